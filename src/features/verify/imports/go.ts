import { grammar, placeOf, syntaxError, withTree } from './grammar.ts';
import type { ParsedSource } from './source.ts';

/** The first declaration at the start of a line. */
const DECLARATION = /^(?:func|type|var|const)\b/m;

/**
 * The imports of a Go file, in files of every build tag. As for `go list`, only what comes before the first declaration
 * is read, because the language allows no import after it; what is wrong further down is the compiler's to say.
 */
export async function parseGo(text: string): Promise<ParsedSource> {
  const parser = await grammar('go');
  const head = parseHeader(parser, text.slice(0, DECLARATION.exec(text)?.index));
  // The line may have been part of a comment: then the cut broke it.
  return head.fault !== undefined ? parseHeader(parser, text) : head;
}

function parseHeader(parser: Awaited<ReturnType<typeof grammar>>, text: string): ParsedSource {
  return withTree(parser, text, (root) => {
    const fault = syntaxError(root);
    if (fault !== undefined) return { imports: [], fault };
    const specs = root.descendantsOfType('import_spec');
    return {
      imports: specs.flatMap((spec) => {
        const path = spec.childForFieldName('path');
        // `import "C"` names no package.
        if (path === null || path.text === '"C"') return [];
        return [{ specifier: unquote(path.text), typeOnly: false, ...placeOf(path) }];
      }),
    };
  });
}

/** A Go string literal, raw or interpreted. */
function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`') || !body.includes('\\')) return body;
  return body.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
    (_, hex, short, long, octal, plain) =>
      plain ??
      String.fromCodePoint(Number.parseInt(hex ?? short ?? long ?? octal, octal === undefined ? 16 : 8)),
  );
}
