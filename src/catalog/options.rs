//! Lists of `WORD = value` in the statements that make types, aggregates, operators.

/// A list under way.
#[derive(Debug, Default)]
pub struct Options(Vec<String>);

impl Options {
    /// `WORD = value`, where there is a value. The value stands as it is given.
    pub fn value(&mut self, word: &str, value: Option<&str>) -> &mut Self {
        self.0.extend(value.map(|value| format!("    {word} = {value}")));
        self
    }

    /// `WORD`, where it applies.
    pub fn flag(&mut self, word: &str, applies: bool) -> &mut Self {
        self.0.extend(applies.then(|| format!("    {word}")));
        self
    }

    /// The list, a line each.
    pub fn finish(&self) -> String {
        self.0.join(",\n")
    }
}
