//! A row of an answer of the database.

use super::{FromValue, Unavailable, Value};

/// A row, read column by column in the order of the select list.
#[derive(Debug)]
pub struct Row {
    columns: std::vec::IntoIter<Value>,
}

impl Row {
    /// A row of these columns.
    pub fn new(columns: Vec<Value>) -> Row {
        Row { columns: columns.into_iter() }
    }

    /// The next column.
    ///
    /// # Errors
    /// [`Unavailable`] when there is none or it holds something else.
    pub fn take<T: FromValue>(&mut self) -> Result<T, Unavailable> {
        let value = self.columns.next().ok_or_else(|| Unavailable::because("a row has too few columns"))?;
        T::from_value(value)
    }

    /// Leaves so many columns out.
    pub fn skip(&mut self, columns: usize) {
        self.columns.by_ref().take(columns).for_each(drop);
    }
}
