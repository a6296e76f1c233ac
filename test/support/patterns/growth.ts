import { createContext, Script } from 'node:vm';
import { type AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';

/** What a pattern takes too long for. */
export interface Slow {
  /** The input, as an expression. */
  readonly input: string;
  readonly why: string;
}

/** Characters of an input, and by how much a shorter and a longer one differ from it. */
const LONG = 20_000;
const GROWTH = 4;
/** Milliseconds: what needs no second look, what needs no third one, and what is too long whatever it grows by. */
const QUICK = 10;
const CLEAR = 100;
const TOO_LONG = 5_000;
/** A linear pattern takes 4 times as long for 4 times the characters, a quadratic one 16 times. */
const RATIO = 8;
/** Inputs that are tried at a time. */
const TOGETHER = 32;
/** Repetitions from which on a bound is as good as none. */
const MANY = 16;

/**
 * Runs a pattern on inputs that repeat what its quantifiers take, and says for which the time grows faster than the
 * input. Inputs come from the pattern alone: what leads to a quantifier, its body many times, and something that lets the
 * match fail; and the same many times, for what a search tries again at each place.
 */
export function slowInputOf(source: string, flags: string, length = LONG): Slow | undefined {
  const pattern = new RegExp(source, flags.includes('y') ? flags : `${flags.replace('g', '')}g`);
  const inputs = [...inputsFor(source, flags)];
  for (let i = 0; i < inputs.length; i += TOGETHER) {
    const some = inputs.slice(i, i + TOGETHER);
    // What takes so little together has none that takes long, and to start each alone takes longer than all.
    const texts = some.map(({ make }) => make(length));
    if (timeOf(pattern, texts) <= QUICK) continue;
    for (const input of some) {
      const why = growthOf(pattern, input, length);
      if (why !== undefined) return { input: input.show, why };
    }
  }
  return undefined;
}

/** Why the time for an input grows faster than the input; undefined if it does not. */
function growthOf(pattern: RegExp, { make }: Input, length: number): string | undefined {
  const time = (characters: number) => timeOf(pattern, [make(characters)]);
  const first = time(length);
  if (first <= QUICK) return undefined;
  if (first === Number.POSITIVE_INFINITY) return `more than ${TOO_LONG} ms for ${length} characters`;
  const [short, long] = [
    Math.min(time(length / GROWTH), time(length / GROWTH)),
    Math.min(first, time(length)),
  ];
  if (long / short <= RATIO) return undefined;
  // What takes so little may have been held up by something else: it has to grow again.
  const longer = long > CLEAR ? Number.POSITIVE_INFINITY : time(length * GROWTH);
  if (longer / long <= RATIO) return undefined;
  return `${short.toFixed(1)} ms for ${length / GROWTH} characters, ${long.toFixed(1)} ms for ${length}`;
}

const sandbox = createContext({ pattern: /./, texts: [''] });
/** All matches: what comes after the first is searched as well. */
const match = new Script('for (const text of texts) text.replace(pattern, "")');

/** Milliseconds of this thread, whatever else runs on the machine; more than any where the search is ended. */
function timeOf(pattern: RegExp, texts: readonly string[]): number {
  Object.assign(sandbox, { pattern, texts });
  const start = process.threadCpuUsage();
  try {
    match.runInContext(sandbox, { timeout: TOO_LONG });
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1000;
}

interface Input {
  readonly show: string;
  readonly make: (length: number) => string;
}

function* inputsFor(source: string, flags: string): Iterable<Input> {
  const parser = new RegExpParser();
  const ast = parser.parsePattern(source, 0, source.length, {
    unicode: flags.includes('u'),
    unicodeSets: flags.includes('v'),
  });
  const characters = charactersOf(ast, flags);
  const quantifiers: AST.Quantifier[] = [];
  visitRegExpAST(ast, {
    onQuantifierEnter: (node) => {
      if (node.max >= MANY) quantifiers.push(node);
    },
  });
  const repeated = new Map<string, readonly [first: string, again: string]>();
  for (const quantifier of quantifiers) {
    for (const pair of repeatedBy(quantifier, characters)) repeated.set(JSON.stringify(pair), pair);
  }
  for (const [first, again] of repeated.values()) {
    for (const end of ['\u0000', '\n\u0000', '']) {
      const show = `${JSON.stringify(first)} + ${JSON.stringify(again)} × n + ${JSON.stringify(end)}`;
      yield { show, make: (length) => first + again.repeat(Math.ceil(length / again.length)) + end };
    }
  }
}

/** What a text begins with, and what it then repeats. */
function repeatedBy(
  quantifier: AST.Quantifier,
  characters: Characters,
): readonly (readonly [first: string, again: string])[] {
  const prefixes = new Set(['', before(quantifier, 0, characters), before(quantifier, 1, characters)]);
  return [...prefixes].flatMap((prefix) =>
    bodiesOf(quantifier, characters)
      .filter((body) => body !== '')
      .flatMap((body) => [
        [prefix, body] as const,
        ['', prefix + body] as const,
        [prefix, `${body}\n`] as const,
        ['', `${prefix}${body}\n`] as const,
      ]),
  );
}

/** One of each group of characters that the pattern treats alike. */
type Characters = readonly string[];

const ALPHABET = [...'aAzZfgxX019_-+.:/=@ #"\'`<>()[]{}|\\^,;!?*%&$~\n\r\t\u00a0\u2028é€'];

function charactersOf(ast: AST.Pattern, flags: string): Characters {
  // Assertions look at words and ends of lines.
  const sets = new Set<string>(['\\w', '.', '[\\n\\r]']);
  visitRegExpAST(ast, {
    onCharacterClassEnter: ({ raw }) => sets.add(raw),
    onCharacterSetEnter: ({ raw }) => sets.add(raw),
    onCharacterEnter: ({ parent, raw }) => {
      if (parent.type === 'Alternative') sets.add(raw);
    },
  });
  const tests = [...sets].map((raw) => testOf(raw, flags));
  const groups = new Map<string, string>();
  const own = [...sets].flatMap((raw) => (raw.length === 1 ? [raw] : []));
  for (const character of [...ALPHABET, ...own]) {
    const group = tests.map((test) => Number(test.test(character))).join('');
    if (!groups.has(group)) groups.set(group, character);
  }
  return [...groups.values()];
}

function testOf(raw: string, flags: string): RegExp {
  return new RegExp(`^(?:${raw})$`, flags.replace(/[gym]/g, ''));
}

/** What a quantifier repeats: each kind of character, or its body with all that is optional, and without. */
function bodiesOf({ element }: AST.Quantifier, characters: Characters): readonly string[] {
  if (element.type === 'CharacterClass' || element.type === 'CharacterSet' || element.type === 'Character') {
    const test = testOf(element.raw, '');
    const fitting = characters.filter((one) => test.test(one));
    return fitting.length === 0 ? [sampleOf(element, 1, characters)] : fitting;
  }
  const alternatives = 'alternatives' in element ? element.alternatives : [];
  const parts = alternatives.map((one) =>
    [0, 1, 2].map((times) => samplesOf(one.elements, times, characters)),
  );
  const all = parts.map(([, once = '']) => once).join('');
  const others = alternatives.flatMap((one) =>
    characters.map((character) => samplesOf(one.elements, 1, [character, ...characters])),
  );
  return [...new Set([...parts.flat(), all, ...others])];
}

/** What a pattern takes before one of its parts; `times` of what may be left out. */
function before(node: AST.Quantifier, times: number, characters: Characters): string {
  let text = '';
  let child: AST.Node = node;
  while (child.parent) {
    const parent: AST.Node = child.parent;
    if (parent.type === 'Alternative') {
      const at = parent.elements.indexOf(child as AST.Element);
      text = samplesOf(parent.elements.slice(0, at), times, characters) + text;
    }
    child = parent;
  }
  return text;
}

function samplesOf(elements: readonly AST.Element[], times: number, characters: Characters): string {
  return elements.map((one) => sampleOf(one, times, characters)).join('');
}

function sampleOf(element: AST.Element, times: number, characters: Characters): string {
  switch (element.type) {
    case 'Character':
      return String.fromCodePoint(element.value);
    case 'CharacterClass':
    case 'CharacterSet': {
      const test = testOf(element.raw, '');
      return [...characters, ...ALPHABET].find((one) => test.test(one)) ?? '';
    }
    case 'Group':
    case 'CapturingGroup':
      return samplesOf(element.alternatives[0]?.elements ?? [], times, characters);
    case 'Quantifier': {
      const repeat = Math.min(Math.max(element.min, times), Math.max(element.min, element.max));
      return sampleOf(element.element, times, characters).repeat(repeat);
    }
    case 'Backreference':
      return [element.resolved]
        .flat()
        .map((group) => sampleOf(group, times, characters))
        .join('');
    default:
      return '';
  }
}
