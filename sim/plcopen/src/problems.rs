//! The table of problem codes of the import.
//!
//! **Invariant:** a code never changes its meaning. The hundreds group them: 00 the file, 01 its
//! elements, 02 what is not supported, 03 connections, 04 charts, 09 warnings.

sim_st::problem_table! {
    "PX"
    /// Explains a problem code in one paragraph.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(sim_plcopen::explain("PX0202").is_some_and(|text| text.contains("pragma")));
    /// assert_eq!(sim_plcopen::explain("PX9999"), None);
    /// ```
    NOT_XML "PX0001"
    "The file is not well-formed XML, or it declares a document type. Entities of a document type \
     can blow a small file up to any size, so none are read."
    NOT_PLCOPEN "PX0002"
    "The root of the file is no `project` of PLCopen TC6. Read are the namespaces \
     http://www.plcopen.org/xml/tc6_0201, tc6_0200, tc6.xsd and tc6.xsd of version 1.01."
    TOO_LARGE "PX0003"
    "The file has more elements, nests them deeper, or draws more ways through them than the import \
     follows."
    MISSING "PX0101"
    "The schema requires an element or an attribute that is not there, such as the `name` of a \
     variable or the `localId` of a block."
    UNKNOWN_ELEMENT "PX0102"
    "PLCopen TC6 has no such element at this place. Nothing is dropped silently, so the project is \
     rejected until the element is gone."
    BAD_VALUE "PX0103"
    "An attribute or a text does not have the form that the schema asks for: numbers, `true` and \
     `false`, intervals such as `T#20ms`."
    UNSUPPORTED "PX0201"
    "This is part of PLCopen TC6 or of a vendor's editor, but there is no translation for it. \
     Nothing is dropped silently: the project is rejected until the part is rewritten."
    NATIVE_CODE "PX0202"
    "A pragma `{...}` holds code for the C compiler of Beremiz or OpenPLC. It cannot run here; \
     express it in one of the languages of IEC 61131-3."
    VENDOR_DATA "PX0203"
    "A vendor's `addData` carries a part of the program, such as methods or a project tree with POUs \
     of its own. It is not read, and the program would not be whole without it."
    DANGLING "PX0301"
    "A connection leads to an element, or to an output of a block, that the body does not have. \
     Delete the connection in the editor and draw it anew."
    UNCONNECTED "PX0302"
    "An element needs a connection on its left side to mean anything: a contact, a negated or \
     VAR_IN_OUT input, the condition of a transition."
    LOOP "PX0303"
    "The connections run in a circle without passing through the output of a block, so that no \
     value could ever be computed; or more elements than can be followed stand in a row."
    NO_TYPE "PX0304"
    "The value of a function is needed at several places and must be stored, but its type cannot be \
     told from what is connected. Connect a variable instead of a literal, or call a typed variant."
    AMBIGUOUS "PX0305"
    "Two elements share a `localId`, or two connectors a name, or a continuation has no connector. \
     What is meant cannot be told."
    BAD_JUMP "PX0306"
    "A jump leads to no label, to several, or backwards. Structured Text has no jumps; forward jumps \
     become conditions, and backward ones must be rewritten as a loop in a function."
    BAD_CHART "PX0401"
    "The chart does not follow the rules of evolution of IEC 61131-3, 6.7: steps and transitions \
     alternate, a transition has steps before and behind it, and there is one initial step."
    UNKNOWN_NAME "PX0402"
    "A jump names a step, or a transition or action names a body, that the POU does not have."
    IGNORED_DATA "PX0901"
    "A warning: a vendor's `addData` is not read. It most often describes the editor's view of the \
     project and not the program."
    NO_EFFECT "PX0902"
    "A warning: an element is not connected, or not used, and therefore does nothing. It is left out."
    BIT_NUMBER "PX0903"
    "A warning: the address of a bit is one number. IEC 61131-3:2013, 6.5.5.2, has bits counted \
     through, so `%IX12` is bit 4 of byte 1. Some controllers of OpenPLC take it for bit 0 of byte 12; \
     write byte and bit to be understood everywhere."
}
