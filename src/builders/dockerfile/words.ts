/** How Dockerfile words are read; the defaults are those of `FROM` and `ARG`. */
export interface WordOptions {
  /** The escape token: a backslash, or a backtick by parser directive. */
  readonly escapeToken: string;
  readonly variables: ReadonlyMap<string, string>;
  /** Keeps quotes, escapes and variables as they are written: for finding words, not for their values. */
  readonly raw?: boolean;
}

/** A word that BuildKit refuses, with the reason in BuildKit's terms, or a substitution that is not evaluated here. */
export class WordError extends Error {}

/** White space between words, as BuildKit splits them (Go's `unicode.IsSpace`). */
export const SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/**
 * The value of a word after quotes, escapes and variables, by BuildKit's rules (Dockerfile reference, "Environment
 * replacement"): `$x`, `${x}`, `${x:-…}`, `${x-…}`, `${x:+…}`, `${x+…}`, `${x:?…}`, `${x?…}`. Throws {@link WordError},
 * also for the pattern substitutions `${x#…}`, `${x%…}` and `${x/…/…}`: no base image needs them.
 */
export function expandWord(text: string, options: WordOptions): string {
  return new Lexer(text, options).read().value;
}

/** The words of a line, as written; none if the line cannot be split. */
export function splitWords(line: string): readonly string[] {
  try {
    return new Lexer(line, { escapeToken: '\\', variables: new Map(), raw: true }).read().words;
  } catch {
    return [];
  }
}

class Lexer {
  readonly #text: string;
  readonly #options: WordOptions;
  #at = 0;

  constructor(text: string, options: WordOptions) {
    this.#text = text;
    this.#options = options;
  }

  /** Reads to the end of the text, or past the next `stop`. */
  read(stop?: string, keepEscapes = this.#options.raw ?? false): { value: string; words: string[] } {
    const words = new Words();
    let value = '';
    for (let char = this.#peek(); char !== ''; char = this.#peek()) {
      if (char === stop) {
        this.#at++;
        return { value, words: words.end() };
      }
      const piece = this.#piece(char, keepEscapes);
      value += piece.text;
      words.add(piece.text, piece.splits);
    }
    if (stop !== undefined)
      throw new WordError(`unexpected end of statement while looking for matching ${stop}`);
    return { value, words: words.end() };
  }

  #piece(char: string, keepEscapes: boolean): { text: string; splits: boolean } {
    if (char === "'") return { text: this.#singleQuoted(), splits: false };
    if (char === '"') return { text: this.#doubleQuoted(keepEscapes), splits: false };
    if (char === '$') return { text: this.#variable(), splits: true };
    if (char === '<') return { text: this.#redirection(), splits: false };
    this.#at++;
    if (char !== this.#options.escapeToken) return { text: char, splits: true };
    return { text: (keepEscapes ? char : '') + this.#next(), splits: false };
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #next(): string {
    return this.#text.charAt(this.#at++);
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new WordError('unexpected end of statement while looking for matching single-quote');
    const quoted = this.#text.slice(this.#at, end + 1);
    this.#at = end + 1;
    return this.#options.raw ? quoted : quoted.slice(1, -1);
  }

  #doubleQuoted(keepEscapes: boolean): string {
    const { escapeToken, raw } = this.#options;
    const quote = raw ? '"' : '';
    let text = quote;
    this.#at++;
    for (let char = this.#peek(); char !== '"'; char = this.#peek()) {
      if (char === '') {
        throw new WordError('unexpected end of statement while looking for matching double-quote');
      }
      if (char === '$') {
        text += this.#variable();
        continue;
      }
      this.#at++;
      if (char !== escapeToken) {
        text += char;
        continue;
      }
      // Inside quotes only these can be escaped; before others the token is an ordinary character.
      const escaped = ['"', '$', escapeToken].includes(this.#peek());
      if (keepEscapes || (!escaped && this.#peek() !== '')) text += char;
      if (escaped) text += this.#next();
    }
    this.#at++;
    return text + quote;
  }

  /** `<<` keeps the white space after it, so that the name of a here-document belongs to its word. */
  #redirection(): string {
    const [text = '<'] = /^<(?:<[\t\r ]*)?/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += text.length;
    return text;
  }

  #variable(): string {
    const start = this.#at;
    this.#at++;
    const value = this.#peek() === '{' ? this.#braced() : this.#plain();
    return this.#options.raw ? this.#text.slice(start, this.#at) : value;
  }

  #plain(): string {
    const name = this.#name();
    return name === '' ? '$' : (this.#options.variables.get(name) ?? '');
  }

  #braced(): string {
    this.#at++;
    if (['{', '}', ':'].includes(this.#peek())) throw new WordError('syntax error: bad substitution');
    const name = this.#name();
    const value = this.#options.variables.get(name);
    const operator = this.#next();
    if (operator === '}') return value ?? '';
    if (operator === ':') {
      return this.#conditional(name, value === '' ? undefined : value, value ?? '', this.#next());
    }
    if ('#%/'.includes(operator) && operator !== '') return this.#pattern(name, operator);
    return this.#conditional(name, value, value ?? '', operator);
  }

  /** `-`, `+` and `?`; `given` is undefined if the variable counts as unset. */
  #conditional(name: string, given: string | undefined, value: string, operator: string): string {
    if (!['-', '+', '?'].includes(operator)) {
      throw new WordError(
        operator === '' ? "syntax error: missing '}'" : `unsupported modifier (${operator}) in substitution`,
      );
    }
    const word = this.read('}', false).value;
    if (operator === '-') return given === undefined ? word : value;
    if (operator === '+') return given === undefined ? '' : word;
    if (given === undefined && !this.#options.raw) {
      throw new WordError(`${name}: ${word === '' ? 'is not allowed to be unset or empty' : word}`);
    }
    return value;
  }

  /** Skipped in raw mode, where only the end of the word matters. */
  #pattern(name: string, operator: string): string {
    if (!this.#options.raw) {
      throw new WordError(`the substitution \${${name}${operator}…} is not supported: write the value out`);
    }
    return this.read('}', true).value;
  }

  #name(): string {
    const [name = ''] = /^(?:\d+|[@*#?$!0-]|[\p{L}_][\p{L}\p{Nd}_]*)/u.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += name.length;
    return name;
  }
}

/** Collects words: white space that was neither quoted nor escaped ends one. */
class Words {
  readonly #words: string[] = [];
  #word = '';

  add(text: string, splits: boolean): void {
    if (!splits) {
      this.#word += text;
      return;
    }
    for (const char of text) {
      if (SPACE.test(char)) this.end();
      else this.#word += char;
    }
  }

  end(): string[] {
    if (this.#word !== '') this.#words.push(this.#word);
    this.#word = '';
    return this.#words;
  }
}
