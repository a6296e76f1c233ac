import type { Style } from './style.ts';

const PROGRAMS =
  'primitive|git|gh|docker|podman|buildah|buildctl|cosign|syft|buf|npm|npx|pnpm|yarn|node|go|uv|pip|python3?|helm|kubectl|curl|cd|mkdir|mv|cp|rm|chmod|export|unset|sudo';

/** Text that readers copy: a command at the end (`Install it: go install …`, or all of it), code, and settings in one line. */
const COPIED = new RegExp(
  `(?<=^|: |\\u001b\\[\\d{1,3}m)(?:[A-Z_]+=\\S*(?<!:) )*(?:${PROGRAMS}) .*$|\`[^\`]*\`|(?<![\\w.])[\\w.]+: \\{(?:[^{}]|\\{[^{}]*\\})*\\}`,
  'g',
);

/** Private use: in place of a blank it keeps two words on one line. */
const GLUE = '\ue000';

/** One advice, wrapped on a terminal, but for commands and settings in it: they stay on one line, so that they can be copied. */
export function hangAdvice({ hang }: Pick<Style, 'hang'>, prefix: string, text: string): string {
  const glued = text.replace(COPIED, (copied) => copied.replaceAll(' ', GLUE));
  return hang(prefix, glued).replaceAll(GLUE, ' ');
}
