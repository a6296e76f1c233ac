import { PrimitiveError } from '../core/errors.ts';

/** A comment or a text that does not end is one token, so that none is tried from each of its characters. */
const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|[\w.]+|\S/g;

/** The words of a proto file without its comments. */
export class Tokens {
  readonly #words: readonly RegExpExecArray[];
  readonly #text: string;
  readonly #path: string;
  #at = 0;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
    this.#words = [...text.matchAll(TOKEN)].filter(
      ([word]) => !word.startsWith('//') && !(word.startsWith('/*') && word.endsWith('*/')),
    );
  }

  peek(): string | undefined {
    return this.#words[this.#at]?.[0];
  }

  next(): string | undefined {
    const word = this.peek();
    this.#at += 1;
    return word;
  }

  match(pattern: RegExp): string {
    const word = this.next();
    if (word !== undefined && pattern.test(word)) return word;
    const position = this.#words[this.#at - 1]?.index ?? this.#text.length;
    const line = this.#text.slice(0, position).split('\n').length;
    const found =
      word === undefined ? 'the file ends too early' : `${JSON.stringify(word)} is unexpected here`;
    throw new PrimitiveError('proto-invalid', `${this.#path}:${line}: ${found}.`, {
      suggestions: [`buf build ${this.#path}`],
    });
  }

  /** Goes past the statement that begins with `word`: to its `;`, or past its block. */
  skipStatement(word: string): void {
    let depth = 0;
    for (let next = word; ; next = this.match(/./)) {
      if (next === '{') depth += 1;
      if (next === '}') depth -= 1;
      if (depth === 0 && (next === ';' || next === '}')) return;
    }
  }
}
