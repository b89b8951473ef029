//! Direct addresses, in the forms that editors let people write.

use crate::code::Code;
use crate::problems;
use crate::xml::{Element, Reports, at_value};

/// An address as the compiler knows it: bits by byte and bit.
///
/// Editors have more levels in addresses of their plug-ins, such as `%IW0.1.2.3` for a register of the
/// third request of a Modbus client. These are reported by that name, as their devices are not there.
pub(crate) fn normal(reports: &mut Reports, variable: Element, address: &Code) -> Code {
    let place = at_value(variable, "address");
    let text = address.text().to_ascii_uppercase();
    let digits = text
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(text.len());
    let (head, numbers) = text.split_at(digits);
    let levels = numbers.split('.').count();
    let is_bit = matches!(head, "%I" | "%Q" | "%M" | "%IX" | "%QX" | "%MX");
    if numbers.is_empty() || !numbers.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return address.clone();
    }
    if levels > if is_bit { 2 } else { 1 } {
        let message = format!(
            "the address `{}` belongs to a plug-in of the editor, whose devices do not exist here",
            address.text()
        );
        reports.error(problems::UNSUPPORTED, place, message);
        return address.clone();
    }
    match numbers.parse::<u32>() {
        Ok(number) if is_bit => {
            let area = &head[..2];
            let bit = format!("{area}X{}.{}", number / 8, number % 8);
            let message = format!("the address `{}` is taken for `{bit}`", address.text());
            reports.warn(problems::BIT_NUMBER, place, message);
            Code::new(bit, place)
        }
        _ => address.clone(),
    }
}
