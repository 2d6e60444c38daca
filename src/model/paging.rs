//! A long list, a page at a time.

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Items a page, from 1 to [`MOST_A_PAGE`].
    pub limit: i64,
    /// From 1 to [`LAST_PAGE`].
    pub page: i64,
}

/// The most items that a page may have.
pub const MOST_A_PAGE: i64 = 100;
/// The last page that may be asked for.
pub const LAST_PAGE: i64 = 1_000_000;

impl Paging {
    /// How many items come before the page.
    pub fn offset(self) -> i64 {
        (self.page - 1) * self.limit
    }

    /// How many pages so many items make; an empty list is one empty page.
    pub fn pages(self, total: i64) -> i64 {
        (total + self.limit - 1).div_euclid(self.limit).max(1)
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// Items of the whole list.
    pub total: i64,
    pub paging: Paging,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_what_there_is() {
        for (limit, total, pages) in
            [(10, 0, 1), (10, 1, 1), (10, 10, 1), (10, 11, 2), (1, 3, 3), (100, 250, 3)]
        {
            assert_eq!(Paging { limit, page: 1 }.pages(total), pages, "{total} by {limit}");
        }
        assert_eq!(Paging { limit: 10, page: 3 }.offset(), 20);
        assert_eq!(Paging { limit: MOST_A_PAGE, page: LAST_PAGE }.offset(), 99_999_900);
    }
}
