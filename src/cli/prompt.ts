import { createInterface } from 'node:readline/promises';
import type { Question } from '../app/context.ts';
import { PrimitiveError } from '../core/errors.ts';

/**
 * Asks on stderr until an answer can be used. Only if the environment is interactive.
 *
 * Throws `prompt-ended` (exit 2) if the input ends, and the reason of the signal.
 */
export async function ask(
  { text, preset, fault = () => undefined }: Question,
  signal: AbortSignal,
): Promise<string> {
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  // In raw mode Ctrl-C is a key like any other.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new Promise<never>((_, reject) => terminal.once('close', () => reject(promptEnded(text))));
  const hint = preset === undefined ? '' : ` [${preset}]`;
  for (;;) {
    const typed = await Promise.race([terminal.question(`${text}${hint}: `, { signal }), ended]).catch(
      (error) => {
        throw signal.aborted ? signal.reason : error;
      },
    );
    const answer = typed.trim() || preset || '';
    const wrong = answer === '' ? 'an answer is required' : fault(answer);
    if (wrong === undefined) return answer;
    process.stderr.write(`  ${wrong}\n`);
  }
}

function promptEnded(text: string): PrimitiveError {
  return new PrimitiveError('prompt-ended', `No answer to: ${text.slice(text.lastIndexOf('\n') + 1)}`, {
    why: 'The input ended.',
    suggestions: ['Pass the answers as flags, with --no-input: see --help'],
  });
}
