/** A section of docs/errors.md, for one code. */
export interface CodeSection {
  readonly code: string;
  /** One sentence. */
  readonly title: string;
  /** The whole section as Markdown. */
  readonly page: string;
}

/** The sections of docs/errors.md by code, sorted; a heading may name several. Throws if one has no text, or a code two. */
export function readErrorsPage(markdown: string): readonly CodeSection[] {
  const sections = markdown.split(/^(?=#{1,3} )/m).flatMap((section) => {
    const [, names] = /^### (.+)\n/.exec(section) ?? [];
    if (names === undefined) return [];
    const text = section.slice(section.indexOf('\n')).trim();
    const title = /^.*?[.:](?=\s|$)/s.exec(text)?.[0].replace(/\s+/g, ' ').replace(/:$/, '.');
    if (title === undefined) throw new Error(`docs/errors.md: ${names} has no text`);
    return names.split(', ').map((code) => ({ code, title, page: `# ${code}\n\n${text}\n` }));
  });
  const sorted = sections.sort((a, b) => (a.code < b.code ? -1 : 1));
  const twice = sorted.find(({ code }, index) => sorted[index + 1]?.code === code);
  if (twice) throw new Error(`docs/errors.md: ${twice.code} has two sections`);
  return sorted;
}
