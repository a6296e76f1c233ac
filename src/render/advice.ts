import type { Style } from './style.ts';

const PROGRAMS =
  'primitive|git|gh|docker|podman|buildah|buildctl|cosign|syft|buf|npm|npx|pnpm|yarn|node|go|uv|pip|python3?|helm|kubectl|curl|cd|mkdir|mv|cp|rm|chmod|export|unset|sudo';

/** A command at the end of an advice: `Install it: go install …`, or all of it. */
const COMMAND = new RegExp(`(?:^|: )(?:[A-Z_]+=\\S* )*(?:${PROGRAMS}) .*$`);

/** Private use: in place of a blank it keeps two words on one line. */
const GLUE = '\ue000';

/** One advice, wrapped on a terminal, but for a command in it: that stays on one line, so that it can be copied. */
export function hangAdvice({ hang }: Pick<Style, 'hang'>, prefix: string, text: string): string {
  const glued = text.replace(COMMAND, (command) => {
    const lead = command.startsWith(': ') ? ': ' : '';
    return lead + command.slice(lead.length).replaceAll(' ', GLUE);
  });
  return hang(prefix, glued).replaceAll(GLUE, ' ');
}
