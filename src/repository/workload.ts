import { pathFault } from '../core/path-fault.ts';
import { languageOfRunner } from '../languages/all.ts';
import type { Fault } from '../yaml/fault.ts';
import { suiteArgFault } from './suite-args.ts';
import type { Workload } from './workload-schema.ts';

/** The parts of `primitive.yaml` that say what `kind.yaml` of its kind leaves open. */
const WORKLOAD_KEYS = ['suites', 'run', 'processes', 'settings'] as const;

/** Tests and processes that a primitive sets; a key is absent if it does not. */
export function workloadOf(file: Workload): Workload {
  return Object.fromEntries(
    WORKLOAD_KEYS.flatMap((key) => (file[key] === undefined ? [] : [[key, file[key]]])),
  );
}

/** Faults of what a primitive says: its kind comes first, or a primitive could leave out what its kind demands. */
export function workloadFaults(file: Workload, kind: Workload): readonly Fault[] {
  const decided = WORKLOAD_KEYS.filter((key) => file[key] !== undefined && kind[key] !== undefined);
  if (decided.length > 0) {
    return decided.map((key) => ({
      path: [key],
      message: `the kind decides \`${key}\``,
      suggestion: 'Use a kind without it, such as service, or one of your own in kinds/.',
    }));
  }
  const { suites = [], run, processes } = file;
  const taken = suites.map(({ id }) => id);
  return [
    ...suites.flatMap(({ id }, i) => {
      const fault = pathFault(id) ?? (taken.indexOf(id) < i ? 'another suite has it' : undefined);
      return fault === undefined
        ? []
        : [{ path: ['suites', i, 'id'], message: `${JSON.stringify(id)} names no suite: ${fault}` }];
    }),
    ...suiteArgFaults(suites),
    ...severalLanguages(suites),
    ...(run !== undefined && processes?.serve === undefined && processes !== undefined
      ? [{ path: ['run'], message: '`run` is of a process named serve, and `processes` has none' }]
      : []),
    ...(['live', 'ready'] as const).flatMap((key) =>
      run === undefined || PROBE.test(run[key])
        ? []
        : [{ path: ['run', key], message: `\`run.${key}\` is not a path such as /readyz` }],
    ),
    ...(processes?.serve?.once
      ? [{ path: ['processes', 'serve'], message: '`serve` is long-running: it cannot run once' }]
      : []),
    ...(processes?.serve !== undefined && processes.serve.ports?.http === undefined
      ? [{ path: ['processes', 'serve'], message: '`serve` needs a port named http, which probes ask' }]
      : []),
    ...settingFaults({ ...file, processes: processes ?? { serve: {} } }),
  ];
}

/** In the values of a chart, and in the address that a smoke test asks for. */
const PROBE = /^\/[A-Za-z0-9._~/-]{0,200}$/;

/** Faults of the processes of a kind: others call one that serves. */
export function processFaults(kind: Workload): readonly Fault[] {
  const { processes } = kind;
  return [
    ...(processes !== undefined && (processes.serve === undefined || processes.serve.once)
      ? [{ path: ['processes'], message: '`processes` needs a long-running process named serve' }]
      : []),
    ...settingFaults(kind),
  ];
}

/** Settings are read by processes that there are, and compared with patterns that can be read. */
function settingFaults({ processes = {}, settings = {} }: Workload): readonly Fault[] {
  return Object.entries(settings).flatMap(([name, { of = [], pattern }]) => [
    ...of.flatMap((process, i) =>
      Object.hasOwn(processes, process)
        ? []
        : [
            {
              path: ['settings', name, 'of', i],
              message: `\`settings.${name}.of\` is not a process: ${JSON.stringify(process)}`,
            },
          ],
    ),
    ...(pattern === undefined || isRegExp(pattern)
      ? []
      : [
          {
            path: ['settings', name, 'pattern'],
            message: `\`settings.${name}.pattern\` is not a regular expression: ${JSON.stringify(pattern)}`,
          },
        ]),
  ]);
}

/** Whether a text is a regular expression. */
export function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** Suites are run with what one lock file names. */
export function severalLanguages(suites: NonNullable<Workload['suites']>): readonly Fault[] {
  const languages = [...new Set(suites.map(({ runner }) => languageOfRunner(runner)))];
  return languages.length > 1
    ? [{ path: ['suites'], message: `\`suites\` are of several languages: ${languages.join(', ')}` }]
    : [];
}

/** Arguments that would start a program, load a module or lead out of the primitive. */
export function suiteArgFaults(suites: NonNullable<Workload['suites']>): readonly Fault[] {
  return suites.flatMap(({ runner, args }, i) =>
    args.flatMap((text, j) => {
      const fault = suiteArgFault(runner, text);
      const message = `${JSON.stringify(text)} is no argument of a suite: ${fault}`;
      return fault === undefined ? [] : [{ path: ['suites', i, 'args', j], message }];
    }),
  );
}

/** Processes and settings as the values of the chart have them; probes and the drain are of those that go on. */
export function deployedAs({ run, processes, settings = {} }: Workload) {
  const defaults = run && { live: run.live, ready: run.ready, drainSeconds: run.drainSeconds };
  const all = Object.entries(processes ?? { serve: { ports: { http: run?.port ?? 8080 } } });
  return {
    processes: Object.fromEntries(
      all.map(([name, process]) => [name, process.once ? process : { ...process, ...defaults }]),
    ),
    settings,
  };
}
