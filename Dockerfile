# pgstow in an otherwise empty image. The binary is static and brings its own CA roots and time zones; there is no shell,
# so commands are given in exec form: docker exec CONTAINER pgstow list

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN scripts/build-static release /image/usr/local/bin/pgstow \
 && install -d -m 0700 -o 65532 -g 65532 /image/backups

FROM scratch
LABEL org.opencontainers.image.title="pgstow" \
      org.opencontainers.image.description="Stows a PostgreSQL database into one plain-SQL .sql.gz and brings it back" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /image/ /
ENV PATH=/usr/local/bin BACKUP_DIR=/backups
USER 65532:65532
VOLUME /backups
HEALTHCHECK --interval=5m --timeout=30s --start-period=15m CMD ["/usr/local/bin/pgstow", "health"]
ENTRYPOINT ["/usr/local/bin/pgstow"]
CMD ["schedule"]
