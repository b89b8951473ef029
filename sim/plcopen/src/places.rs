//! Where POUs and drawn elements lie in the XML, for people who see no XML in their editor.

use roxmltree::Document;

use crate::xml::name;

/// An element with its bytes.
#[derive(Clone, Debug)]
struct Place {
    start: usize,
    end: usize,
    /// The name of a POU; tag and `localId` of what is drawn.
    words: String,
}

/// The POUs and drawn elements of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// By where they begin, as the other list.
    pous: Vec<Place>,
    drawn: Vec<Place>,
}

impl Places {
    pub(crate) fn of(document: &Document) -> Self {
        let mut places = Self::default();
        for element in document.descendants().filter(roxmltree::Node::is_element) {
            let range = element.range();
            let place = |words| Place {
                start: range.start,
                end: range.end,
                words,
            };
            let list = element.parent_element().map_or("", |parent| name(parent));
            if (list, name(element)) == ("pous", "pou") {
                let own = element.attribute("name").unwrap_or("");
                places.pous.push(place(own.to_owned()));
            } else if let Some(id) = element.attribute("localId") {
                let words = format!("the {} {id}", name(element));
                places.drawn.push(place(words));
            }
        }
        places
    }

    /// The POU that holds a byte.
    fn pou(&self, at: usize) -> Option<&Place> {
        let upto = self.pous.partition_point(|pou| pou.start <= at);
        self.pous[..upto].iter().rev().find(|pou| at < pou.end)
    }

    /// Where the POU that holds a byte begins and ends.
    pub(crate) fn pou_range(&self, at: usize) -> Option<(usize, usize)> {
        self.pou(at).map(|pou| (pou.start, pou.end))
    }

    /// ` in POU \`name\``, or nothing outside of them.
    pub(crate) fn in_pou(&self, at: usize) -> String {
        let pou = self.pou(at).filter(|pou| !pou.words.is_empty());
        pou.map_or_else(String::new, |pou| format!(" in POU `{}`", pou.words))
    }

    /// ` (the coil 3 of POU \`name\`)`, by the innermost element that is drawn there.
    pub(crate) fn element(&self, at: usize) -> String {
        let Some(pou) = self.pou(at) else {
            return String::new();
        };
        let upto = self.drawn.partition_point(|drawn| drawn.start <= at);
        let mut before = self.drawn[..upto].iter().rev();
        let inside = |drawn: &&Place| at < drawn.end;
        let drawn = before
            .by_ref()
            .take_while(|drawn| drawn.start >= pou.start)
            .find(inside);
        match drawn {
            Some(drawn) => format!(" ({} of POU `{}`)", drawn.words, pou.words),
            None => format!(" (POU `{}`)", pou.words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_when_the_xml_is_written_unusually_then_are_those_of_the_tree() {
        let xml = "<p:project xmlns:p=\"urn:p\"><p:pous><!-- <pou name=\"No\"> -->\
                   <p:pou\n name = 'Main'><p:block localId='3'><p:q/>\
                   </p:block ><p:end/></p:pou\n><p:out/></p:pous></p:project>";
        let document = Document::parse(xml).expect("it is well-formed");
        let places = Places::of(&document);
        let at = |text: &str| xml.find(text).expect("is there");
        assert_eq!(places.in_pou(at("<p:q/>")), " in POU `Main`");
        assert_eq!(places.element(at("<p:q/>")), " (the block 3 of POU `Main`)");
        assert_eq!(
            places.element(at("<p:block")),
            " (the block 3 of POU `Main`)"
        );
        assert_eq!(places.element(at("<p:end/>")), " (POU `Main`)");
        assert_eq!(places.in_pou(at("<p:out/>")), "");
        assert_eq!(
            places.pou_range(at("<p:end/>")),
            Some((at("<p:pou\n"), at("<p:out/>")))
        );
    }
}
