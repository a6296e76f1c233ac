import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Processes } from '../core/process.ts';
import type { RuleHost, RuleResult, RuleTask } from '../features/verify/foreign.ts';
import type { RuleAnswer, RuleCall } from '../features/verify/rule-process.ts';

/** Milliseconds that a rule may take for one subject; most take less than one. */
const LIMIT = 30_000;
/** MiB of a process. */
const MEMORY = 512;

/**
 * Runs rules of plugins in processes under Node's permission model, which may read the plugin and what was installed with
 * it, and neither write nor start anything; without environment. `module` is the URL of what they run, and `processes`
 * inherit nothing. A process is ended if a rule does not answer, and another goes on with the others.
 */
export function ruleHost(module: string, processes: Processes, signal: AbortSignal, limit = LIMIT): RuleHost {
  return {
    run: async (plugin, tasks) => {
      const results: RuleResult[] = [];
      for (let left = tasks; left.length > 0; ) {
        const { answered, failed } = await runProcess(module, plugin, left, { processes, signal, limit });
        results.push(...answered);
        const [task] = left.slice(answered.length);
        if (task === undefined) break;
        // A rule that ends its process once may do so for every file.
        const rest = left.slice(answered.length);
        results.push(
          ...rest.filter(({ rule }) => rule === task.rule).map((one) => ({ task: one, error: failed })),
        );
        left = rest.filter(({ rule }) => rule !== task.rule);
      }
      return results;
    },
  };
}

interface Setup {
  readonly processes: Processes;
  readonly signal: AbortSignal;
  readonly limit: number;
}

/** Answers of one process, in the order of the tasks, and the reason why it did not answer the next one. */
async function runProcess(
  module: string,
  plugin: { readonly folder: string; readonly readable: string },
  tasks: readonly RuleTask[],
  { processes, signal, limit }: Setup,
): Promise<{ readonly answered: readonly RuleResult[]; readonly failed: string }> {
  const folder = await realpath(plugin.folder);
  const readable = [await realpath(plugin.readable), dirname(fileURLToPath(module))];
  const word = randomUUID();
  const answered: RuleResult[] = [];
  const ended = new AbortController();
  let late: NodeJS.Timeout | undefined;
  let isLate = false;
  const wait = () => {
    clearTimeout(late);
    late = setTimeout(() => {
      isLate = true;
      ended.abort();
    }, limit);
  };
  async function* calls(): AsyncGenerator<string> {
    for (const [index, { module: path, subject }] of tasks.entries()) {
      const call: RuleCall = { index, module: pathToFileURL(join(folder, path)).href, subject };
      yield `${JSON.stringify(call)}\n`;
    }
  }
  let text = '';
  const decoder = new TextDecoder();
  const read = (chunk: Uint8Array) => {
    const lines = (text + decoder.decode(chunk, { stream: true })).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const task = tasks[answered.length];
      // What a rule writes by itself is no answer.
      if (task === undefined || !line.startsWith(word)) continue;
      const answer: RuleAnswer = JSON.parse(line.slice(word.length));
      answered.push('error' in answer ? { task, error: answer.error } : { task, problems: answer.problems });
      wait();
    }
    // A rule may have left something that keeps its process alive.
    if (answered.length === tasks.length) ended.abort();
  };
  wait();
  const args = [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}${sep}`),
    `--max-old-space-size=${MEMORY}`,
    '--no-warnings',
    fileURLToPath(module),
    word,
  ];
  try {
    const { exitCode } = await processes.run(process.execPath, args, {
      input: calls(),
      stdout: read,
      signal: AbortSignal.any([signal, ended.signal]),
    });
    return { answered, failed: `its process ended with exit code ${exitCode}` };
  } catch (error) {
    signal.throwIfAborted();
    if (!ended.signal.aborted) throw error;
    return { answered, failed: isLate ? `it took longer than ${Math.round(limit / 1000)} s` : '' };
  } finally {
    clearTimeout(late);
  }
}
