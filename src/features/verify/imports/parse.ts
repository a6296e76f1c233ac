import { languageOf, languageOfScript, mayBeScript, toolkitOf } from '../../../languages/all.ts';
import type { ParsedSource } from '../../../languages/source.ts';
import type { Source } from '../subjects.ts';

/** A larger file is made by a program; its syntax tree would fill the memory. */
const MAX_LENGTH = 4 * 1024 * 1024;

/** The imports of a source file; undefined for a file without a language. `text` is undefined for a binary file. */
export async function parseSource(path: string, text: string | undefined): Promise<Source | undefined> {
  const language =
    languageOf(path) ?? (mayBeScript(path) && text !== undefined ? languageOfScript(text) : undefined);
  if (language === undefined) return undefined;
  if (text === undefined) return { language, ...failed('it is not text in UTF-8') };
  if (text.length > MAX_LENGTH)
    return { language, ...failed(`it has more than ${MAX_LENGTH / 1024 / 1024} Mi characters`) };
  const { parse } = await toolkitOf(language);
  return { language, ...(await parse(path, text)) };
}

function failed(message: string): ParsedSource {
  return { imports: [], fault: { message } };
}
