import { PrimitiveError } from '../core/errors.ts';

const PATH = String.raw`[a-zA-Z]\w*(?:\.[a-zA-Z]\w*)*`;
const VALUE = new RegExp(`^= *(${PATH})$`);
const IF = new RegExp(String.raw`^if \((!?)(${PATH})(?: ([!=]==) '([^'\\]*)')?\) \{$`);
const FOR = new RegExp(String.raw`^for \(const ([a-z]\w*) of (${PATH})\) \{$`);
const COMMENT = /^\/\*[^*]*\*\/$/;
const ELSE = '} else ';

/** A line that holds one statement and nothing else; it vanishes whole. */
const STATEMENT_LINE = /^[ \t]*<%(?=[ \t])(?![ \t]*=)([^%\n]*)%>[ \t]*\n/gm;

type Values = Readonly<Record<string, unknown>>;
type Render<T = string> = (scope: Values) => T;

/**
 * Renders one template. Templates are data, also those of packages, so these tags can read values and nothing else:
 * `<%= it.a.b %>`, `<% if (!it.a) { %>`, `<% } else if (it.a === 'b') { %>`, `<% } else { %>`,
 * `<% for (const x of it.a) { %>`, `<% } %>`, and a comment.
 *
 * Throws `kind-template-invalid` (exit 2) with file and line for any other tag and for a value that is missing.
 */
export function renderTemplate(shown: string, text: string, it: object): string {
  return new Parser(shown, text).whole()({ it });
}

/** Text outside of tags has no `tag`. */
interface Token {
  readonly text: string;
  readonly tag: string | undefined;
  readonly line: number;
}

class Parser {
  readonly #shown: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** `it`, and the variables of the loops around. */
  readonly #names = ['it'];

  constructor(shown: string, template: string) {
    this.#shown = shown;
    // The line feed goes into the tag, so that lines keep their numbers.
    const source = template.replace(STATEMENT_LINE, '<%$1\n%>');
    let line = 1;
    this.#tokens = source.split(/(<%[\s\S]*?(?:%>|$))/).map((text, i) => {
      const token = { text, tag: i % 2 === 1 ? text.slice(2, -2).trim() : undefined, line };
      line += text.split('\n').length - 1;
      return token;
    });
    const open = this.#tokens.find(({ text, tag }) => tag !== undefined && !text.endsWith('%>'));
    if (open !== undefined) throw this.#invalid(open.line, 'a tag does not end');
  }

  whole(): Render {
    const render = this.#body();
    const rest = this.#tokens[this.#at];
    if (rest === undefined) return render;
    throw this.#invalid(rest.line, rest.tag === '}' ? 'no block ends here' : 'no `if` is before this `else`');
  }

  /** All up to a tag that ends a block, or the end. */
  #body(): Render {
    const parts: Render[] = [];
    for (
      let token = this.#tokens[this.#at];
      token && !token.tag?.startsWith('}');
      token = this.#tokens[this.#at]
    ) {
      this.#at += 1;
      parts.push(this.#part(token));
    }
    return (scope) => parts.map((part) => part(scope)).join('');
  }

  #part(token: Token): Render {
    const { text, tag, line } = token;
    if (tag === undefined) return () => text;
    const value = VALUE.exec(tag)?.[1];
    if (value !== undefined) return this.#written(this.#value(value, token), line);
    if (IF.test(tag)) return this.#choice(token, tag);
    if (FOR.test(tag)) return this.#loop(token, tag);
    if (COMMENT.test(tag)) return () => '';
    throw this.#unknown(token);
  }

  #choice(token: Token, condition: string): Render {
    const [, not, path, operator, word] = IF.exec(condition) ?? [];
    if (path === undefined || (not && operator)) throw this.#unknown(token);
    const value = this.#value(path, token);
    const holds: Render<boolean> = (scope) =>
      word === undefined ? Boolean(value(scope)) : value(scope) === word;
    const negated = not === '!' || operator === '!==';
    const body = this.#body();
    const otherwise = this.#otherwise();
    return (scope) => (holds(scope) !== negated ? body : otherwise)(scope);
  }

  #otherwise(): Render {
    const token = this.#next();
    if (token.tag === '}') return () => '';
    if (token.tag !== '} else {') return this.#choice(token, token.tag?.slice(ELSE.length) ?? '');
    const body = this.#body();
    this.#end();
    return body;
  }

  #loop(token: Token, head: string): Render {
    const [, variable = '', path = ''] = FOR.exec(head) ?? [];
    const list = this.#value(path, token);
    this.#names.push(variable);
    const body = this.#body();
    this.#names.pop();
    this.#end();
    return (scope) => {
      const items = list(scope);
      if (!Array.isArray(items)) throw this.#invalid(token.line, `${path} is not a list`);
      return items.map((item) => body({ ...scope, [variable]: item })).join('');
    };
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (token !== undefined) return token;
    throw this.#invalid(this.#tokens.at(-1)?.line ?? 1, 'a block does not end');
  }

  #end(): void {
    const token = this.#next();
    if (token.tag !== '}') throw this.#invalid(token.line, 'no `if` is before this `else`');
  }

  /** Reads own properties only; undefined if the last is missing. */
  #value(path: string, token: Token): Render<unknown> {
    const keys = path.split('.');
    if (!this.#names.includes(keys[0] ?? '')) throw this.#unknown(token);
    return (scope) => {
      let value: unknown = scope;
      for (const [depth, key] of keys.entries()) {
        if (typeof value !== 'object' || value === null)
          throw this.#invalid(token.line, `${keys.slice(0, depth).join('.')} has no values in it`);
        value = Object.hasOwn(value, key) ? (value as Values)[key] : undefined;
      }
      return value;
    };
  }

  #written(value: Render<unknown>, line: number): Render {
    return (scope) => {
      const found = value(scope);
      if (['string', 'number', 'boolean'].includes(typeof found)) return `${found}`;
      throw this.#invalid(line, `the value is ${typeof found}, which cannot be written`);
    };
  }

  #unknown({ tag, line }: Token): PrimitiveError {
    return this.#invalid(line, `this tag does more than a template may: ${JSON.stringify(tag)}`);
  }

  #invalid(line: number, fault: string): PrimitiveError {
    return new PrimitiveError('kind-template-invalid', `${this.#shown}:${line}: ${fault}.`, {
      why: 'a template may only read values, compare them and loop over lists',
      suggestions: [
        '<%= it.names.kebab %>',
        '<% if (it.inputs.service) { %> … <% } else { %> … <% } %>',
        '<% for (const method of it.service.methods) { %> … <% } %>',
      ],
    });
  }
}
