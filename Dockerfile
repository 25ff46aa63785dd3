# pgstow in an otherwise empty image. The binary is static and brings its own CA roots and time zones; there is no shell,
# so commands are given in exec form: docker exec CONTAINER pgstow list
#
# For amd64 and arm64 at once; each is built on a machine of its kind, or under emulation:
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=0.1.0 --tag pgstow .

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN scripts/build-static release /image/usr/local/bin/pgstow \
 && install -d -m 0700 -o 65532 -g 65532 /image/backups

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pgstow" \
      org.opencontainers.image.description="Stows a PostgreSQL database into one plain-SQL .sql.gz and brings it back" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image/ /
ENV PATH=/usr/local/bin BACKUP_DIR=/backups
USER 65532:65532
VOLUME /backups
HEALTHCHECK --interval=5m --timeout=30s --start-period=15m CMD ["/usr/local/bin/pgstow", "health"]
ENTRYPOINT ["/usr/local/bin/pgstow"]
CMD ["schedule"]
