import type { Finding } from '../core/finding.ts';
import { optional } from '../core/object.ts';
import { inertJson } from './text.ts';

/** A rule as SARIF lists it. */
export interface SarifRule {
  readonly id: string;
  readonly level: Finding['level'];
  readonly title: string;
  /** Name and version of the plugin that it is of. */
  readonly plugin?: string;
  /** How its findings are put right, Markdown. */
  readonly help?: string;
}

/** A finding, what identifies it from run to run, and why it does not count if it was suppressed. */
export interface SarifResult extends Omit<Finding, 'fix'> {
  readonly fingerprint: string;
  readonly suppressed?: string;
}

/** How the run went, and what it does not cover. */
export interface SarifInvocation {
  readonly successful: boolean;
  readonly notifications: readonly {
    readonly id: string;
    readonly level: 'error' | 'note';
    readonly text: string;
  }[];
  readonly properties?: object;
}

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const;

/**
 * A SARIF 2.1.0 log (OASIS, sarif-schema-2.1.0.json), as GitHub code scanning takes it. `version` is that of this
 * program; `run` has its result: a code and a text if it failed and has no results.
 */
export function sarifLog(
  version: string,
  rules: readonly SarifRule[],
  results: readonly SarifResult[],
  run?: SarifInvocation | { readonly code: string; readonly text: string },
): string {
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'primitive',
            semanticVersion: version,
            informationUri: 'https://github.com/ameideio/primitive',
            rules: rules.map(({ id, level, title, help, plugin }) => ({
              id,
              shortDescription: { text: title },
              ...(help === undefined ? {} : { help: { text: help, markdown: help } }),
              defaultConfiguration: { level: LEVELS[level] },
              ...(plugin === undefined ? {} : { properties: { plugin } }),
            })),
          },
        },
        ...(run === undefined ? {} : { invocations: [invocationOf(run)] }),
        columnKind: 'utf16CodeUnits',
        results: results.map((result) => resultOf(result, indexes.get(result.rule))),
      },
    ],
  };
  return `${inertJson(log, 2)}\n`;
}

function invocationOf(run: SarifInvocation | { readonly code: string; readonly text: string }) {
  const { successful, notifications, properties } =
    'code' in run
      ? {
          successful: false,
          notifications: [{ id: run.code, level: 'error', text: run.text }],
          properties: undefined,
        }
      : run;
  return {
    executionSuccessful: successful,
    toolExecutionNotifications: notifications.map(({ id, level, text }) => ({
      descriptor: { id },
      level,
      message: { text },
    })),
    ...optional('properties', properties),
  };
}

function resultOf(
  { rule, level, message, path, line, column, fingerprint, suppressed }: SarifResult,
  index: number | undefined,
) {
  const region =
    line === undefined ? {} : { region: { startLine: line, ...optional('startColumn', column) } };
  return {
    ruleId: rule,
    ...optional('ruleIndex', index),
    level: LEVELS[level],
    message: { text: message },
    ...(path === undefined
      ? {}
      : {
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(path), uriBaseId: '%SRCROOT%' },
                ...region,
              },
            },
          ],
        }),
    partialFingerprints: { 'primitive/v1': fingerprint },
    ...(suppressed === undefined ? {} : { suppressions: [{ kind: 'external', justification: suppressed }] }),
  };
}

/** A path of the repository as a relative URI reference (RFC 3986). */
function uriOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
