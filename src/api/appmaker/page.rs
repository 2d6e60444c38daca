//! Lists a page at a time, in the shape of mongoose-paginate (contracts/appmaker.md section 2).

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde_json::{Value, json};

use super::failure::{Sentences, refused};
use crate::api::problem::Problem;
use crate::model::paging::{Paged, Paging};

/// A page of a list.
pub struct Page<T> {
    docs: Vec<T>,
    total: i64,
    paging: Paging,
}

impl<T> Page<T> {
    /// The page, with each item as it goes over the wire.
    pub fn of<S>(paged: Paged<S>, wire: impl FnMut(S) -> T) -> Page<T> {
        let Paged { items, total, paging } = paged;
        Page { docs: items.into_iter().map(wire).collect(), total, paging }
    }
}

/// Which page is wanted, where the query may leave it out.
pub fn paging(limit: Option<i64>, page: Option<i64>) -> Paging {
    Paging { limit: limit.unwrap_or(10), page: page.unwrap_or(1) }
}

/// What a list is put in order by, and whether the greatest comes first. Without a wish it is the first of the fields.
///
/// # Errors
/// 400 for anything but one of the fields, with or without a `-` before it.
pub fn order_of<F: Copy>(sort: Option<&str>, fields: &[(&str, F)]) -> Result<(F, bool), Problem<Sentences>> {
    let sort = sort.unwrap_or(fields[0].0);
    let (word, descending) = sort.strip_prefix('-').map_or((sort, false), |word| (word, true));
    let known = fields.iter().find(|(name, _)| *name == word);
    known.map(|(_, field)| (*field, descending)).ok_or_else(|| {
        let words: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        refused("sort", &format!("Must be one of {}, with or without a - before it", words.join(", ")))
    })
}

/// A number of the page: its name and what it says.
const NUMBERS: [(&str, &str); 5] = [
    ("totalDocs", "Items of the whole list."),
    ("limit", "Items a page."),
    ("page", "The number of this page; the first is 1."),
    ("totalPages", "At least 1."),
    ("pagingCounter", "The number of this page's first item in the whole list; the first is 1."),
];

fn number(description: &'static str) -> MetaSchema {
    MetaSchema { format: Some("int64"), description: Some(description), ..MetaSchema::new("integer") }
}

fn inline(schema: MetaSchema) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(schema))
}

impl<T: Type> Type for Page<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Page", T::name()))
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>(Self::name().into_owned(), |registry| {
            T::register(registry);
            let mut properties = vec![("docs", Vec::<T>::schema_ref())];
            properties.extend(NUMBERS.map(|(name, description)| (name, inline(number(description)))));
            properties.extend(["hasPrevPage", "hasNextPage"].map(|name| (name, bool::schema_ref())));
            let neighbors = [("prevPage", "Null on the first page."), ("nextPage", "Null on the last page.")];
            properties.extend(neighbors.map(|(name, description)| {
                (name, inline(MetaSchema { nullable: true, ..number(description) }))
            }));
            MetaSchema {
                description: Some("A page of a list."),
                required: properties.iter().map(|(name, _)| *name).collect(),
                properties,
                ..MetaSchema::new("object")
            }
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: ToJSON> ToJSON for Page<T> {
    fn to_json(&self) -> Option<Value> {
        let Page { total, paging, .. } = *self;
        let (page, pages) = (paging.page, paging.pages(total));
        let (before, after) = (page > 1, page < pages);
        Some(json!({
            "docs": self.docs.to_json(),
            "totalDocs": total,
            "limit": paging.limit,
            "page": page,
            "totalPages": pages,
            "pagingCounter": paging.offset() + 1,
            "hasPrevPage": before,
            "hasNextPage": after,
            "prevPage": before.then_some(page - 1),
            "nextPage": after.then_some(page + 1),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_its_neighbors() {
        let json = |page, total| {
            let paged = Paged { items: vec![1_i64], total, paging: Paging { limit: 2, page } };
            Page::of(paged, |item| item).to_json().unwrap_or_default()
        };
        let rows = [
            ("the only one", 1, 2, [json!(false), json!(false), json!(null), json!(null)]),
            ("the first", 1, 5, [json!(false), json!(true), json!(null), json!(2)]),
            ("in the middle", 2, 5, [json!(true), json!(true), json!(1), json!(3)]),
            ("the last", 3, 5, [json!(true), json!(false), json!(2), json!(null)]),
            ("past the last", 9, 5, [json!(true), json!(false), json!(8), json!(null)]),
        ];
        for (what, page, total, expected) in rows {
            let json = json(page, total);
            let told = ["hasPrevPage", "hasNextPage", "prevPage", "nextPage"].map(|key| json[key].clone());
            assert_eq!(told, expected, "{what}");
            assert_eq!(json["pagingCounter"], json!(2 * (page - 1) + 1), "{what}");
        }
    }
}
