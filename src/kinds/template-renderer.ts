import type { Eta } from 'eta/core';
import { PrimitiveError } from '../core/errors.ts';

const PATH = String.raw`[a-zA-Z]\w*(?:\.[a-zA-Z]\w*)*`;

/** What may stand between `<%=` and `%>`. */
const VALUE = new RegExp(`^(?<path>${PATH})$`);

/** What may stand between `<%` and `%>`. */
const STATEMENTS = [
  new RegExp(
    String.raw`^(?:\} else )?if \((?:!?(?<path>${PATH})|(?<compared>${PATH}) [!=]== '[^'\\]*')\) \{$`,
  ),
  new RegExp(String.raw`^for \(const (?<variable>[a-z]\w*) of (?<path>${PATH})\) \{$`),
  /^(?:\} else \{|\}|\/\*[^*]*\*\/)$/,
];

/** Names of JavaScript that lead out of plain data. */
const REACHING_OUT = /^(?:constructor|prototype|__proto__)$/;

/** A line that holds one statement and nothing else; it vanishes whole. */
const STATEMENT_LINE = /^[ \t]*<%[ \t]+(?!=)([^%\n]*?)[ \t]*%>[ \t]*\n/gm;

/**
 * Fills in one template.
 *
 * Templates are data, also those of packages: Eta would run any JavaScript in them, so that only the tags are let
 * through that read a value, ask for one or repeat over some:
 * `<%= it.a.b %>`, `<% if (!it.a) { %>`, `<% } else if (it.a === 'b') { %>`, `<% for (const x of it.a) { %>`, `<% } %>`.
 *
 * Throws `kind-template-invalid` (exit 2) with file and line for any other tag and for a value that is not there.
 */
export async function fillIn(shown: string, text: string, it: object): Promise<string> {
  if (!text.includes('<%')) return text;
  const eta = await engine(shown);
  // The line feed goes into the tag, so that lines keep their numbers.
  const source = text.replace(STATEMENT_LINE, '<% $1\n%>');
  const parts = parsed(eta, shown, source);
  checkTags(parts, shown, source);
  return valuesOnly(parts, it) ?? compiled(eta, shown, source)(it);
}

type Parts = ReturnType<Eta['parse']>;

/**
 * Most templates are text and values, which are put together in a fraction of the time that it takes to compile them.
 * Undefined for the others, and where there is no such value: Eta says which.
 */
function valuesOnly(parts: Parts, it: object): string | undefined {
  const texts = parts.map((part) => {
    // As it would stand in a program.
    if (typeof part === 'string') return part.replace(/\\([\\'n])/g, (_, c) => (c === 'n' ? '\n' : c));
    const value = part.t === 'i' ? valueAt(it, part.val.trim().split('.').slice(1)) : undefined;
    return typeof value === 'string' || typeof value === 'number' ? `${value}` : undefined;
  });
  return texts.includes(undefined) ? undefined : texts.join('');
}

function valueAt(data: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return data;
  const known = typeof data === 'object' && data !== null && Object.hasOwn(data, key);
  return known ? valueAt((data as Readonly<Record<string, unknown>>)[key], rest) : undefined;
}

/** Loaded with the first tag: an `import()` each costs as much as filling in a file. */
let library: Promise<typeof import('eta/core')> | undefined;

async function engine(shown: string): Promise<Eta> {
  library ??= import('eta/core');
  const { Eta } = await library;
  const eta = new Eta({
    autoEscape: false,
    autoTrim: false,
    autoFilter: true,
    filterFunction: printable,
    debug: true,
  });
  eta.RuntimeErr = (error: Error, _text: string, line: number): never => {
    throw invalid(shown, line, error.message);
  };
  return eta;
}

function printable(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  throw new TypeError(`the value is ${value === null ? 'null' : typeof value}, nothing that can be written`);
}

function checkTags(parts: Parts, shown: string, source: string): void {
  /** The variables of the blocks around, '' for a block that has none. */
  const variables: string[] = [];
  for (const part of parts) {
    if (typeof part === 'string') continue;
    const tag = part.val.trim();
    const line = part.lineNo ?? 1;
    const patterns = { i: [VALUE], e: STATEMENTS }[part.t] ?? [];
    const match = patterns.map((pattern) => pattern.exec(tag)).find((found) => found !== null);
    const { path, compared, variable = '' } = match?.groups ?? {};
    if (match === undefined || !isData(path ?? compared, variables)) {
      throw invalid(shown, line, `this tag does more than a template may: ${JSON.stringify(tag)}`);
    }
    if (part.t !== 'e') continue;
    if (tag.startsWith('}') && variables.pop() === undefined)
      throw invalid(shown, line, 'no block ends here');
    if (tag.endsWith('{')) variables.push(variable);
  }
  if (variables.length > 0) throw invalid(shown, source.split('\n').length, 'a block does not end');
}

/** Whether a path begins at `it` or at the variable of a block around it, and stays within plain data. */
function isData(path: string | undefined, variables: readonly string[]): boolean {
  if (path === undefined) return true;
  const [root = '', ...rest] = path.split('.');
  return (root === 'it' || variables.includes(root)) && !rest.some((key) => REACHING_OUT.test(key));
}

function parsed(eta: Eta, shown: string, source: string): Parts {
  try {
    return eta.parse(source);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : '';
    throw invalid(shown, Number(/line (\d+)/.exec(message)?.[1] ?? 1), 'a tag does not end');
  }
}

function compiled(eta: Eta, shown: string, source: string): (it: object) => string {
  try {
    const template = eta.compile(source);
    return (it) => eta.render(template, it);
  } catch {
    // All tags are known to be well-formed, so that only the name of a variable can be at fault.
    throw invalid(shown, 1, 'a variable has a name that JavaScript reserves');
  }
}

function invalid(shown: string, line: number, fault: string): PrimitiveError {
  return new PrimitiveError('kind-template-invalid', `${shown}:${line}: ${fault}.`, {
    why: 'templates may read values, ask for them and repeat over them, and no more',
    suggestions: [
      '<%= it.names.kebab %>',
      '<% if (it.inputs.service) { %> … <% } else { %> … <% } %>',
      '<% for (const method of it.service.methods) { %> … <% } %>',
    ],
  });
}
