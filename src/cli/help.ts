import type { Config } from '@oclif/core/config';
import { Help } from '@oclif/core/help';
import type { ExitCode } from '../core/errors.ts';
import { stringifyDocument } from '../render/outcome.ts';
import { wantsJson } from './argv.ts';
import type { HelpDocument } from './help-document.ts';

/** Shows what a command, a topic or the whole CLI offers: as text, or as `primitive.help/v1` with `--json`. */
export async function showHelp(
  config: Config,
  id: string | undefined,
  argv: readonly string[],
): Promise<ExitCode> {
  if (wantsJson(argv)) {
    process.stdout.write(stringifyDocument(helpDocument(config, id)));
    return 0;
  }
  await new Help(config).showHelp(id === undefined ? [] : [id]);
  return 0;
}

/** The commands with their flags and arguments, for programs: those under `id`, or all. */
function helpDocument(config: Config, id: string | undefined): HelpDocument {
  const commands = config.commands
    .filter(
      (command) =>
        !command.hidden && (id === undefined || command.id === id || command.id.startsWith(`${id}:`)),
    )
    .map((command) => ({
      command: command.id.replaceAll(':', ' '),
      summary: command.summary ?? null,
      args: Object.values(command.args).map(({ name, description, required, multiple }) => ({
        name,
        description: description ?? null,
        required: required === true,
        multiple: multiple === true,
      })),
      flags: Object.values(command.flags).map((flag) => ({
        name: `--${flag.name}`,
        short: flag.char === undefined ? null : `-${flag.char}`,
        summary: flag.summary ?? null,
        required: flag.required === true,
        value: flag.type === 'option' ? (flag.options ?? flag.helpValue ?? 'VALUE') : null,
        multiple: flag.type === 'option' && flag.multiple === true,
      })),
    }))
    .sort((a, b) => (a.command < b.command ? -1 : 1));
  return { schema: 'primitive.help/v1', commands };
}
