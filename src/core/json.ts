import { isObject } from './object.ts';

/** Texts, which are kept, and what JSON knows only with comments. What does not end goes on to the end, and is no JSON. */
const COMMENT = /("(?:\\[\s\S]?|[^"\\])*"?)|\/\/.*|\/\*[\s\S]*?(?:\*\/|$)/g;
const TRAILING_COMMA = /("(?:\\[\s\S]?|[^"\\])*"?)|,(?=\s*[}\]])/g;

/** The value of a text of JSON, which as bytes is UTF-8; undefined for what is none. */
export function parseJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(
      typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text),
    );
  } catch {
    return undefined;
  }
}

/** The object in a text of JSON, with comments and trailing commas as in tsconfig.json; empty if it is none. */
export function readJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(text.replace(COMMENT, '$1').replace(TRAILING_COMMA, '$1')));
  } catch {
    return {};
  }
}

/** A value if it is an object; else an empty one. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? (value as Record<string, unknown>) : {};
}
