//! Forged modules: what the verifier must refuse, and that what it accepts runs safely.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::bytecode::Opcode;
use crate::container::{Located, decode, encode};
use crate::image::{Address, Image};
use crate::program::Program;
use crate::vm::Machine;

const SOURCE: &str = "
    FUNCTION Scale : REAL VAR_INPUT x : INT; END_VAR Scale := INT_TO_REAL(x) * 0.5; END_FUNCTION
    FUNCTION_BLOCK Ramp
    VAR_INPUT target : INT; END_VAR VAR_OUTPUT value : INT; END_VAR
    VAR t : TON; v : ARRAY[0..3] OF INT; k : INT; END_VAR
        t(IN := value < target, PT := T#20ms);
        IF t.Q THEN value := value + 1; v[k] := value; k := (k + 1) MOD 4; END_IF;
    END_FUNCTION_BLOCK
    PROGRAM Main
    VAR x AT %IW0 : INT; q AT %QW0 : INT; m AT %MD1 : REAL; b AT %QX0.0 : BOOL; END_VAR
    VAR m2 : ARRAY[0..1, 0..1] OF INT; j : INT; pts : ARRAY[0..2] OF Pt; pct : INT(0..100); text : STRING[12];
        texts : ARRAY[0..1] OF STRING[5]; wide : WSTRING[6]; day : DATE; moment : DT; blocks : ARRAY[0..1] OF Ramp; END_VAR
    VAR ok : BOOL; r : Ramp; a : ARRAY[1..3] OF INT; c : ARRAY[1..3] OF INT; i : INT; w : WORD; l : LREAL; END_VAR
        r(target := x, value => q); m := Scale(q);
        FOR i := 1 TO 3 DO a[i] := i * q / (x + 1); END_FOR;
        c := a; w := SHL(INT_TO_WORD(x), q); b := w > 16#10 AND q <> 0;
        l := SQRT(l + 1.0); m := SEL(b, m, 1.0) + MUX(i MOD 2, 1.0, 2.0);
        CASE q OF 0: i := 1; 1..5: i := 2; ELSE i := LIMIT(1, q, 9); END_CASE;
        WHILE i > 0 DO i := i - 1; END_WHILE;
        m2[i, j] := q; j := m2[j, i]; pts[i] := pts[j]; pts[j].y := TRUE; pct := j;
        text := CONCAT(LEFT(text, 3), INT_TO_STRING(q)); texts[i] := text; wide := STRING_TO_WSTRING(text);
        day := DT_TO_DATE(moment + T#1h); blocks[j](target := q); g := g + 1;
        a[1] := j + ADD(EN := b, IN1 := q, IN2 := a[2], ENO => ok) + LEN(LEFT(EN := ok, IN := text, L := 2));
    END_PROGRAM
    TYPE Pt : STRUCT x : INT; y : BOOL; END_STRUCT; END_TYPE
    VAR_GLOBAL g : INT; END_VAR";

/// The same with connections, VAR_CONFIG and VAR_ACCESS.
const CONFIGURED: &str = "
    CONFIGURATION c
    VAR_GLOBAL g1 : INT; text : STRING[6]; END_VAR
    TASK t(INTERVAL := T#10ms);
    PROGRAM a WITH t : P(x := g1, s := 'left', y => %QW1);
    PROGRAM b : P(x := 5, y => g1, t => text);
    VAR_CONFIG a.led AT %QX0.0 : BOOL; b.led AT %QX0.1 : BOOL; b.k : INT := 7; END_VAR
    VAR_ACCESS G : g1 : INT READ_WRITE; T : text : STRING; L : b.list : ARRAY[1..3] OF INT READ_WRITE; END_VAR
    END_CONFIGURATION
    PROGRAM P
    VAR_INPUT x : INT; s : STRING[6]; END_VAR VAR_OUTPUT y : INT; t : STRING[6]; END_VAR
    VAR led AT %Q* : BOOL; k : INT; list : ARRAY[1..3] OF INT; END_VAR
        y := x + k; list[1 + ABS(y MOD 3)] := LEN(s); led := y > 3; t := s;
    END_PROGRAM";

fn configured() -> Module {
    module_of(CONFIGURED)
}

fn module() -> Module {
    module_of(SOURCE)
}

fn module_of(source: &str) -> Module {
    let program = crate::compile(source, "forged.st").expect("the source is right");
    decode(&program.to_bytes()).expect("an honest container decodes")
}

/// Number of the first instruction with this code.
fn find(module: &Module, code: Opcode) -> usize {
    module
        .code
        .iter()
        .position(|i| i.code == code)
        .expect("the source uses the instruction")
}

#[test]
fn module_when_honest_then_is_accepted() {
    assert_eq!(verify(&module()), Ok(()));
}

#[test]
fn instruction_when_forged_then_is_rejected() {
    type Forge = fn(&mut Module);
    let forges: &[(&str, Forge)] = &[
        ("operand outside", |m| {
            let at = find(m, Opcode::DivS);
            m.code[at].a = 1 << 20;
        }),
        ("relative operand outside", |m| {
            let at = find(m, Opcode::DivS);
            m.code[at].a = RELATIVE | 9999;
        }),
        ("constant written", |m| {
            let at = find(m, Opcode::Move);
            let ty = Elementary::from_code(m.code[at].ty);
            let constant = m.types.iter().position(|known| Some(*known) == ty);
            m.code[at].d = u32::try_from(constant.expect("one of the type")).expect("small");
        }),
        ("type confusion", |m| {
            let at = find(m, Opcode::DivS);
            m.code[at].ty = Elementary::Dint as u8;
        }),
        ("type without meaning", |m| {
            let at = find(m, Opcode::Move);
            m.code[at].ty = 99;
        }),
        ("type that the instruction lacks", |m| {
            let at = find(m, Opcode::Shl);
            m.code[at].code = Opcode::AddS;
        }),
        ("jump out of the POU", |m| {
            let at = find(m, Opcode::Jump);
            m.code[at].d = u32::try_from(m.code.len()).expect("small");
        }),
        ("jump into another POU", |m| {
            let start = m.pous[2].code_start as usize;
            let at = start
                + m.code[start..]
                    .iter()
                    .position(|i| i.code == Opcode::Jump)
                    .expect("one");
            m.code[at].d = 0;
        }),
        ("no end", |m| {
            let last = m.code.len() - 1;
            m.code[last].code = Opcode::CallFunction;
            m.code[last].d = 0;
        }),
        ("call of nothing", |m| {
            let at = find(m, Opcode::CallFunction);
            m.code[at].d = 77;
        }),
        ("call of a block as a function", |m| {
            let at = find(m, Opcode::CallFunction);
            m.code[at].d = 1;
        }),
        ("instance with another layout", |m| {
            let at = find(m, Opcode::CallBlock);
            m.code[at].a += 1;
        }),
        ("standard block on other slots", |m| {
            let at = find(m, Opcode::CallStandard);
            m.code[at].d += 1;
        }),
        ("standard block without meaning", |m| {
            let at = find(m, Opcode::CallStandard);
            m.code[at].ty = 200;
        }),
        ("standard block with a strange counter", |m| {
            let at = find(m, Opcode::CallStandard);
            m.code[at].b = Elementary::Real as u32;
        }),
        ("timer in the type of a counter", |m| {
            let at = find(m, Opcode::CallStandard);
            m.code[at].b = Elementary::Int as u32;
        }),
        ("timer on slots of its other variant", |m| {
            let at = find(m, Opcode::CallStandard);
            m.code[at].b = Elementary::Ltime as u32;
        }),
        ("array without description", |m| {
            let at = find(m, Opcode::LoadIndex);
            m.code[at].a = 50;
        }),
        ("array beyond the memory", |m| {
            m.pous[1].arrays[0].len = 5000
        }),
        ("array of no element", |m| m.pous[1].arrays[0].len = 0),
        ("copy beyond the memory", |m| {
            let at = find(m, Opcode::Copy);
            m.code[at].b = u32::MAX;
        }),
        ("function without meaning", |m| {
            let at = find(m, Opcode::MathL);
            m.code[at].b = 99;
        }),
        ("recursion", |m| {
            let at = find(m, Opcode::Return);
            m.code[at].code = Opcode::CallFunction;
            m.code[at].d = 0;
            m.code.insert(
                at + 1,
                Instruction {
                    code: Opcode::Return,
                    ty: 0,
                    d: 0,
                    a: 0,
                    b: 0,
                },
            );
            m.pous[0].code_len += 1;
            m.pous[1].code_start += 1;
            m.pous[2].code_start += 1;
            let targets = |i: &&mut Instruction| matches!(i.code.form(), Form::Jump | Form::JumpIf);
            m.code.iter_mut().filter(targets).for_each(|i| i.d += 1);
        }),
        ("POU outside the code", |m| m.pous[2].code_len += 1),
        ("POUs that overlap", |m| m.pous[1].code_start -= 1),
        ("static slots among the constants", |m| {
            m.pous[0].static_start = 0
        }),
        ("initial value that does not fit", |m| {
            let at = m
                .types
                .iter()
                .position(|ty| *ty == Elementary::Bool)
                .expect("one");
            m.init[at] = 2;
        }),
        ("more constants than slots", |m| m.constants = u32::MAX),
        ("entry on other slots", |m| m.entries[0].base += 1),
        ("entry of a function", |m| m.entries[0].pou = 0),
        ("located variable of another type", |m| {
            m.located[0].slot += 2
        }),
        ("located variable beyond its area", |m| {
            m.located[0].address.index = 5000
        }),
        ("located variable over a constant", |m| {
            let at = m
                .types
                .iter()
                .position(|ty| *ty == Elementary::Int)
                .expect("one");
            m.located[0].slot = u32::try_from(at).expect("small");
        }),
        ("watched variable outside", |m| {
            m.variables[0].slot = 1 << 24
        }),
        ("watched array with an index that overflows", |m| {
            let array = m
                .variables
                .iter_mut()
                .find_map(|v| v.array.as_mut())
                .expect("one");
            array.low = i64::MAX;
        }),
        ("path without dimensions", |m| {
            m.pous[2].paths[0].dims.clear()
        }),
        ("path beyond the memory", |m| {
            m.pous[2].paths[0].dims[0].len = 1 << 20
        }),
        ("path with another stride", |m| {
            let path = m.pous[2].paths.iter_mut().find(|path| path.len == 2);
            path.expect("one of two slots").dims[0].stride = 1;
        }),
        ("intrinsic without meaning", |m| {
            let at = find(m, Opcode::Intrinsic);
            m.code[at].ty = 250;
        }),
        ("list without operands", |m| m.pous[2].lists[0].clear()),
        ("text beyond its slots", |m| {
            m.pous[2].lists[0][0].capacity = 1000
        }),
        ("text of another width", |m| {
            m.pous[2].lists[0][0].wide ^= true
        }),
        ("lines out of order", |m| m.lines.swap(0, 1)),
    ];
    for (what, forge) in forges {
        let mut forged = module();
        forge(&mut forged);
        assert!(verify(&forged).is_err(), "{what} is accepted");
        // The bytes of the same module must be refused too, whatever the decoder makes of them.
        assert!(
            Program::from_bytes(&encode(&forged)).is_err(),
            "{what} is accepted as bytes"
        );
    }
}

#[test]
fn connection_when_forged_then_is_rejected() {
    type Forge = fn(&mut Module);
    let forges: &[(&str, Forge)] = &[
        ("from outside", |m| m.entries[0].inputs[0].from = 1 << 20),
        ("to outside", |m| m.entries[0].outputs[0].to = u32::MAX),
        ("too long", |m| m.entries[1].outputs[1].len = u32::MAX),
        ("of nothing", |m| m.entries[0].inputs[0].len = 0),
        ("of another type", |m| m.entries[1].outputs[1].from += 1),
        ("over a constant", |m| {
            let copy = &mut m.entries[1].inputs[0];
            std::mem::swap(&mut copy.from, &mut copy.to);
        }),
        ("access path outside", |m| {
            m.accesses[0].variable.slot = 1 << 24
        }),
        ("access path to another type", |m| {
            m.accesses[1].variable.ty = Elementary::Wstring
        }),
        ("access path beyond its array", |m| {
            let array = m.accesses[2].variable.array.as_mut();
            array.expect("it is one").len = 1 << 20;
        }),
    ];
    assert_eq!(verify(&configured()), Ok(()));
    for (what, forge) in forges {
        let mut forged = configured();
        forge(&mut forged);
        assert!(verify(&forged).is_err(), "{what} is accepted");
        assert!(Program::from_bytes(&encode(&forged)).is_err(), "{what}");
    }
}

#[test]
fn pous_when_two_have_one_name_then_are_rejected() {
    let mut module = module_of(
        "FUNCTION F : INT F := 1; END_FUNCTION
         PROGRAM Main VAR x : INT; END_VAR x := F(); END_PROGRAM",
    );
    assert_eq!(verify(&module), Ok(()));
    module.pous[1].name = module.pous[0].name.to_ascii_lowercase();
    assert_eq!(verify(&module), Err(Fault::Pou { pou: 1 }));
}

#[test]
fn call_chain_when_too_deep_then_is_rejected() {
    let mut source =
        String::from("FUNCTION F0 : INT VAR_INPUT x : INT; END_VAR F0 := x; END_FUNCTION\n");
    for at in 1..=MAX_CALL_DEPTH {
        let line = format!(
            "FUNCTION F{at} : INT VAR_INPUT x : INT; END_VAR F{at} := F{}(x); END_FUNCTION\n",
            at - 1
        );
        source.push_str(&line);
    }
    let main = |top: usize| format!("PROGRAM P VAR y : INT; END_VAR y := F{top}(3); END_PROGRAM");
    assert!(crate::compile(&(source.clone() + &main(MAX_CALL_DEPTH - 1)), "deep.st").is_ok());
    let problems =
        crate::compile(&(source + &main(MAX_CALL_DEPTH)), "deep.st").expect_err("too deep");
    assert_eq!(problems[0].code, crate::problems::TOO_LARGE);
}

#[test]
fn works_when_located_twice_at_one_input_then_is_allowed() {
    let mut shared = module();
    let again = Located {
        name: "again".to_owned(),
        ..shared.located[0].clone()
    };
    shared.located.push(again);
    assert_eq!(verify(&shared), Ok(()));
    assert_eq!(Address::parse("%IW0").map(Address::fits), Ok(true));
}

/// Runs whatever was accepted for some scans; the test is that it comes back, in canonical form.
fn exercise(program: Program) {
    let types = program.slot_types().to_vec();
    let constants = program.constants();
    let mut machine = Machine::new(Arc::new(program));
    let mut image = Image::new();
    for scan in 0..4u64 {
        image.iw[0] = 1000;
        let report = machine.scan(&mut image, scan * 30_000_000, 300_000);
        assert!(report.fuel_used <= 300_000);
        for (slot, ty) in machine.state().iter().zip(&types[constants..]) {
            assert_eq!(ty.canonical(*slot), *slot, "{ty}");
        }
    }
    let names: Vec<_> = machine
        .program()
        .variables()
        .iter()
        .map(|v| v.name.clone())
        .collect();
    let accesses = machine.program().access_paths().to_vec();
    let accesses = accesses.iter().map(|access| &access.variable.name);
    names.iter().chain(accesses).for_each(|name| {
        if let Some(value) = machine.read(name) {
            let _ = machine.write(name, value);
        }
    });
    drop(machine.program().disassemble());
    drop(machine.program().pous());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn container_when_bytes_are_changed_then_is_rejected_or_runs_safely(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        with_configuration in any::<bool>(),
    ) {
        let module = if with_configuration { configured() } else { module() };
        let mut bytes = encode(&module);
        for (at, value) in changes {
            let at = 40 + at.index(bytes.len() - 40);
            bytes[at] = value;
        }
        crate::container::reseal(&mut bytes);
        if let Ok(program) = Program::from_bytes(&bytes) {
            exercise(program);
        }
    }

    #[test]
    fn connections_when_fields_are_changed_then_are_rejected_or_run_safely(
        changes in prop::collection::vec((0..9u8, 0..80u32), 1..4)
    ) {
        let mut module = configured();
        for (field, value) in changes {
            let [a, b] = module.entries.as_mut_slice() else {
                unreachable!("there are two programs");
            };
            match field {
                0 => a.inputs[0].from = value,
                1 => a.inputs[0].to = value,
                2 => a.inputs[1].len = value,
                3 => a.outputs[0].from = value,
                4 => b.outputs[0].to = value,
                5 => b.outputs[1].len = value,
                6 => b.outputs[1].from = value,
                7 => module.accesses[0].variable.slot = value,
                _ => module.accesses[1].variable.capacity = value,
            }
        }
        if let Ok(program) = Program::from_module(module) {
            exercise(program);
        }
    }

    /// Changes of whole fields get past the verifier far more often than changes of bytes.
    #[test]
    fn module_when_fields_are_changed_then_is_rejected_or_runs_safely(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..6u8), 1..6
        )
    ) {
        let mut module = module();
        let code = module.code.clone();
        for (at, from, field) in changes {
            let source = code[from.index(code.len())];
            let at = at.index(module.code.len());
            let target = &mut module.code[at];
            match field {
                0 => *target = source,
                1 => target.code = source.code,
                2 => target.ty = source.ty,
                3 => target.d = source.d,
                4 => target.a = source.a,
                _ => target.b = source.b,
            }
        }
        if let Ok(program) = Program::from_module(module) {
            exercise(program);
        }
    }

    #[test]
    fn bytes_when_arbitrary_then_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Program::from_bytes(&bytes).is_err());
        let header = [b'T', b'R', b'S', b'T', 3, 0, 0, 0];
        if bytes.len() > 40 {
            bytes[..8].copy_from_slice(&header);
            crate::container::reseal(&mut bytes);
            prop_assert!(Program::from_bytes(&bytes).is_err());
        }
    }
}
