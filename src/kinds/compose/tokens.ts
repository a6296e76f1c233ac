import type { LocalSetting } from '../local-schema.ts';
import { type Node, targetsOf } from './graph.ts';

/** The service that makes tokens, and the volume that has them. */
export const TOKENS = 'tokens';

/** Who is accepted besides the services: a person, with `docker compose run --rm tokens cat developer`. */
const DEVELOPER = 'developer';

/** Which of its neighbours a list of callers names. */
export type Callers = Extract<LocalSetting, { callers: unknown }>['callers'];

/** A token in a list of callers. */
export interface Accepted {
  readonly name: string;
  readonly file: string;
}

/** The file with the token that a primitive sends with events to one that takes them: it is of no use anywhere else. */
export function eventToken(sender: Node, consumer: Node): string {
  return `${sender.service}.to.${consumer.service}`;
}

/** The tokens that a list of callers accepts, sorted by the ids of the primitives. */
export function acceptedBy(node: Node, of: Callers, nodes: readonly Node[]): readonly Accepted[] {
  return nodes.flatMap((other) => {
    const calls = Object.values(other.local).filter((setting) =>
      targetsOf(other, setting, nodes).includes(node),
    );
    const kinds = new Set(
      calls.map((setting) => ('url' in setting && setting.url === 'consumers' ? 'sender' : 'callers')),
    );
    return [...kinds]
      .filter((kind) => of.includes(kind))
      .map((kind) => ({
        name: other.service,
        file: kind === 'sender' ? eventToken(other, node) : other.service,
      }));
  });
}

/**
 * A shell program that makes a random token in each file that is not there yet, and a JSON file for each list of names. Tokens
 * are read by other users of other containers.
 */
export function tokensCommand(
  files: readonly string[],
  lists: readonly { readonly file: string; readonly accepted: readonly Accepted[] }[],
): string {
  return `umask 022
cd /run/tokens
token() { if [ ! -s "$1" ]; then head -c 32 /dev/urandom | base64 | tr -d '+/=\\n' > "$1.new"; mv "$1.new" "$1"; fi; }
callers() {
  file=$1 comma=
  shift
  { printf '{"tokens":{'; while [ $# -gt 0 ]; do printf '%s"%s":["%s"]' "$comma" "$1" "$(cat "$2")"; comma=,; shift 2; done; printf '}}'; } > "$file.new"
  mv "$file.new" "$file"
}
${[DEVELOPER, ...files].map((file) => `token ${file}\n`).join('')}${lists
  .map(({ file, accepted }) => {
    const known = [{ name: DEVELOPER, file: DEVELOPER }, ...accepted];
    return `callers ${[file, ...known.flatMap((one) => [one.name, one.file])].join(' ')}\n`;
  })
  .join('')}"$@"
`;
}
