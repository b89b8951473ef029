//! The table of problem codes.
//!
//! **Invariant:** a code never changes its meaning; a code that is no longer used is not given to
//! another problem. The hundreds group them: 00 characters, 01 syntax, 02 declarations, 03 names,
//! 04 types, 05 values, 06 statements and calls, 07 direct addresses, 08 whole programs, 90 run time.

/// A table of problem codes: a constant for each code, `explain` and `all`, and a test of the form.
///
/// For the compiler and for what translates into its language, so that both tell their problems alike.
#[doc(hidden)]
#[macro_export]
macro_rules! problem_table {
    ($prefix:literal $(#[$explain:meta])* $($name:ident $code:literal $text:literal)*) => {
        $(pub(crate) const $name: &str = $code;)*

        /// All codes with their explanations, by code.
        const TABLE: &[(&str, &str)] = &[$(($code, $text)),*];

        $(#[$explain])*
        #[must_use]
        pub fn explain(code: &str) -> Option<&'static str> {
            let mut all = TABLE.iter();
            all.find(|(known, _)| *known == code).map(|(_, text)| *text)
        }

        /// Every problem code with its explanation, in order.
        pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
            TABLE.iter().copied()
        }

        #[cfg(test)]
        mod tests {
            use super::*;

            #[test]
            fn table_when_listed_then_codes_rise_and_explain_themselves() {
                let codes: Vec<_> = all().map(|(code, _)| code).collect();
                assert!(codes.is_sorted_by(|a, b| a < b));
                for (code, text) in all() {
                    assert!(code.len() == 6 && code.starts_with($prefix), "{code}");
                    assert!(text.len() > 40 && text.ends_with('.'), "{code}");
                }
            }
        }
    };
}

problem_table! {
    "ST"
    /// Explains a problem code in one paragraph.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(sim_st::explain("ST0301").is_some_and(|text| text.contains("declared")));
    /// assert_eq!(sim_st::explain("ST9999"), None);
    /// ```
    BAD_CHARACTER "ST0001"
    "A character stands where no token begins with it. Names consist of ASCII letters, digits and \
     underscores (IEC 61131-3:2013, 6.1.2); text and comments may hold any character."
    UNTERMINATED "ST0002"
    "A comment, a pragma or a text is opened but never closed. Comments `(* *)` nest, so each \
     opening needs a closing of its own; a text ends on the line on which it begins."
    BAD_LITERAL "ST0003"
    "A number is not written as the standard defines. Integers may have a base of 2, 8 or 16 \
     (`16#FF`), single underscores between digits, and no more than 64 bits; a real needs digits \
     on both sides of its point."
    BAD_DURATION "ST0004"
    "A duration is not written as the standard defines. It consists of numbers with the units d, \
     h, m, s, ms, us and ns from large to small, such as `T#1m30s250ms`; only the last number may \
     have a fraction."
    BAD_DATE "ST0005"
    "A date or time of day is not written as the standard defines, or the calendar does not have \
     it: `D#2024-02-29`, `TOD#12:30:00.5`, `DT#2024-02-29-12:30:00`."
    BAD_TEXT "ST0006"
    "A text holds a character that its type does not have, or an escape without meaning. Behind \
     `$` stand `$`, a quote, L, N, P, R, T, or the hexadecimal digits of a character: two in a \
     STRING, four in a WSTRING."
    COMMENTS_DO_NOT_NEST "ST0007"
    "A warning: a comment opens `(*` inside a comment, and is not closed as often. Comments of the \
     third edition nest (IEC 61131-3:2013, 6.1.5), those of the second do not; from here on, those \
     of this file are read as not nesting."
    NATIVE_CODE "ST0008"
    "A warning: the pragma `{{ }}` holds C code for the compiler MATIEC, as OpenPLC writes it into \
     blocks for logging and Python. It cannot run here; the rest of the block does."
    EXPECTED "ST0101"
    "The grammar asks for something else at this place. Often the real mistake is a little \
     earlier: a missing `;`, `THEN`, `DO` or `END_...`."
    TOO_DEEP "ST0102"
    "Statements or expressions nest deeper than the compiler follows, or one expression chains too \
     many operators. Split the expression with an intermediate variable."
    UNSUPPORTED "ST0103"
    "This is IEC 61131-3, but this compiler does not support it. Nothing is dropped silently: the \
     program is rejected until the part is rewritten."
    DUPLICATE "ST0201"
    "The name is declared twice in the same scope. Names do not distinguish capitals from small \
     letters."
    UNKNOWN_TYPE "ST0202"
    "No elementary type, standard function block or user-defined function block has this name."
    RECURSION "ST0203"
    "A POU contains or calls itself, directly or through others. IEC 61131-3:2013, 6.6.1.4, \
     forbids recursion, because memory and scan time must be known beforehand."
    BAD_ARRAY "ST0204"
    "The bounds of an ARRAY must be constant integers with the lower one first, and the whole not larger than the memory."
    BAD_DECLARATION "ST0205"
    "This kind of variable cannot be declared here or in this way: for instance an instance of a \
     function block in a FUNCTION, a constant without a value, or RETAIN on a parameter."
    RESERVED_NAME "ST0206"
    "The name belongs to an elementary type and cannot be declared anew."
    BAD_TYPE "ST0207"
    "A type cannot be declared like this: the bounds of a subrange lie in its integer type with \
     the lower one first, a STRING has 1 to 1024 characters, the values of an enumeration are \
     integers, a STRUCT has at least one member."
    BAD_EXTERNAL "ST0208"
    "A variable of VAR_EXTERNAL must be declared in VAR_GLOBAL, with the same type. Initial value \
     and address belong to VAR_GLOBAL (IEC 61131-3:2013, 6.5.2.3)."
    UNKNOWN_VARIABLE "ST0301"
    "No variable of this name is declared in this POU or in VAR_GLOBAL, and no enumeration has a \
     value of this name. Every variable must be declared in a VAR section before the body."
    UNKNOWN_FUNCTION "ST0302"
    "No function of this name exists, neither a standard one nor a FUNCTION of this file."
    UNKNOWN_MEMBER "ST0303"
    "The function block has no input or output of this name, the structure no member, or the \
     enumeration no value. Internal variables of a function block cannot be reached from outside."
    UNKNOWN_PARAMETER "ST0304"
    "The called function or function block has no such parameter, or the parameter does not go in \
     this direction: inputs take `:=`, outputs take `=>`."
    TYPE_MISMATCH "ST0401"
    "The value has another type than its place. Only conversions that keep every value happen by \
     themselves (IEC 61131-3:2013, Figure 12); all others are written, such as `DINT_TO_INT(x)`."
    BAD_OPERAND "ST0402"
    "The operator or function is not defined for this type: arithmetic takes numbers, AND, OR, XOR \
     and NOT take BOOL and bit strings, SHL and its kin take bit strings."
    OPERANDS_DIFFER "ST0403"
    "The operands have different types and neither converts to the other without loss. Convert one \
     of them."
    NOT_A_VALUE "ST0404"
    "A whole array or an instance of a function block stands where an elementary value is needed, \
     or an index or member follows on something that has none."
    BAD_CONVERSION "ST0405"
    "There is no conversion between these two types, or none is needed."
    BAD_INDEX "ST0406"
    "An element of an array needs one index for each dimension."
    BAD_PART "ST0407"
    "A part such as `.3` or `.%B1` belongs to a BYTE, WORD, DWORD or LWORD and must lie within it."
    OUT_OF_RANGE "ST0501"
    "The constant does not fit the type of its place, or lies outside its subrange. Choose a wider \
     type or another value."
    NOT_CONSTANT "ST0502"
    "An expression here must be known when the program is compiled: it may use literals, VAR \
     CONSTANT and operators."
    CONSTANT_DIVISION_BY_ZERO "ST0503"
    "A constant expression divides an integer or a duration by zero, which traps at run time."
    INDEX_OUT_OF_RANGE "ST0504"
    "A constant index lies outside the bounds of the array, so that the access would always trap."
    BAD_INITIAL_VALUE "ST0505"
    "The initial value does not have the form of the variable: a list `[...]` for an array, \
     `(member := value)` for an instance, an expression for an elementary type."
    NOT_ASSIGNABLE "ST0601"
    "The target cannot be assigned: it is a constant, an output or internal variable of an \
     instance, or the control variable of a FOR loop inside that loop."
    OUTSIDE_LOOP "ST0602"
    "EXIT and CONTINUE belong inside FOR, WHILE or REPEAT."
    ZERO_STEP "ST0603"
    "A FOR loop with a step of zero never ends."
    BAD_LABEL "ST0604"
    "The label of a CASE is empty (its range runs backwards), or a value is already selected by an \
     earlier label."
    BAD_CALL "ST0605"
    "This cannot be called in this way: a function block is called through an instance and as a \
     statement, a function by its name."
    BAD_ARGUMENTS "ST0606"
    "The arguments do not match the parameters: too many or too few, one given twice, or formal \
     (`IN := x`) and positional arguments mixed."
    NOT_A_VARIABLE "ST0607"
    "A VAR_IN_OUT parameter works on the caller's variable, so it needs one that may be assigned, \
     of exactly its type; and no two VAR_IN_OUT of one call may share a variable."
    BAD_CHART "ST0608"
    "A Sequential Function Chart does not hold together (IEC 61131-3:2013, 6.7): it needs an \
     INITIAL_STEP, transitions lead from steps to steps that exist, an action is an ACTION of the \
     chart or a BOOL, and its qualifier is N, R, S, P, P0, P1, or with a duration L, D, SD, DS, SL."
    BAD_LIST "ST0609"
    "An Instruction List does not hold together (IEC 61131-3:2013, 7.2): an operator needs a current \
     result, which LD gives and CAL, JMP, RET and operators for an input end; behind a label there is \
     one only if every way there brings one; jumps lead to labels of the body; and what a \
     parenthesis opens is closed before anything is stored."
    INPUT_ASSIGNED "ST0610"
    "A warning: an input is assigned. The standard forbids it (IEC 61131-3:2013, 6.5.2.2), but many \
     controllers allow it, and so it runs: an input of a POU keeps the value until a call gives it \
     another, an input of the process until the next scan reads it."
    BAD_ADDRESS "ST0701"
    "A direct address consists of `%`, the area I, Q or M, the size X, B, W, D or L, and a number, \
     such as `%IX0.3` or `%MW10`. It must lie within the tables of the controller."
    ADDRESS_TYPE "ST0702"
    "The type does not have the size of the address: X is BOOL, B has 8 bits, W 16, D 32 (also \
     TIME, in milliseconds), L 64."
    ADDRESS_OVERLAP "ST0703"
    "Two located variables share a place in the output or marker area. The copy back at the end of \
     the scan would let one of them overwrite the other."
    ADDRESS_PLACE "ST0704"
    "Located variables belong to the VAR section of a PROGRAM or to VAR_GLOBAL; functions and \
     function blocks reach the process through their parameters."
    NO_PROGRAM "ST0801"
    "Without a CONFIGURATION there is exactly one PROGRAM, which the controller runs once per \
     scan; a CONFIGURATION runs at least one."
    TOO_LARGE "ST0802"
    "The program needs more memory or instructions than a controller has."
    BAD_CONFIGURATION "ST0803"
    "A CONFIGURATION, RESOURCE or TASK is not consistent: there is one CONFIGURATION, a TASK has \
     constant INTERVAL and PRIORITY and a global BOOL as SINGLE, and a PROGRAM names a TASK and a \
     PROGRAM that exist."
    BAD_CONNECTION "ST0804"
    "A connection of a PROGRAM in a RESOURCE is not possible: it ties an input (`in := x`) to a \
     constant or a variable of VAR_GLOBAL, or an output (`out => y`) to one that may be written, \
     directly represented ones included, of the very same type."
    BAD_PATH "ST0805"
    "A path of VAR_ACCESS, VAR_CONFIG or a connection leads nowhere, or the variable at its end \
     has another type, is constant, or does not last. A path begins with a RESOURCE, a PROGRAM or \
     a variable of VAR_GLOBAL (IEC 61131-3:2013, 6.8)."
    NO_ADDRESS "ST0806"
    "A variable is declared AT %I*, %Q* or %M*, and no VAR_CONFIG gives it an address. Each \
     instance of its PROGRAM or function block needs one."
    TRAP_DIVISION "ST9001"
    "At run time: an integer or a duration was divided by zero. The scan ended and the outputs \
     were not written. Test the divisor first; `MOD` by zero is 0 and does not trap."
    TRAP_BOUNDS "ST9002"
    "At run time: an index of an array, or the selector of a MUX, lay outside its bounds. The scan \
     ended and the outputs were not written."
    TRAP_SUBRANGE "ST9003"
    "At run time: a value outside the subrange of a variable was assigned to it. The scan ended \
     and the outputs were not written. Limit the value first, for instance with LIMIT."
    TRAP_WATCHDOG "ST9004"
    "At run time: the scan took longer than the watchdog allows. Most often a loop does not end."
}
