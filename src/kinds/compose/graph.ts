import type { Component } from '../../repository/component.ts';
import type { PrimitiveManifest } from '../../repository/provenance.ts';
import type { Workload } from '../../repository/workload-schema.ts';
import { entityNames, entityOf } from '../entity.ts';
import type { Kind } from '../kind.ts';
import type { LocalSetting } from '../local-schema.ts';
import { takesEvents } from '../source.ts';

/** A primitive that a compose file starts. */
export interface Composed {
  readonly id: string;
  readonly kind: Kind;
  readonly component: Component;
  readonly manifest: PrimitiveManifest;
}

/** A primitive with what it says to others. */
export interface Node extends Composed {
  /** Name of the service that others call: `domain-orders`. */
  readonly service: string;
  /** Processes by name, sorted. */
  readonly processes: NonNullable<Workload['processes']>;
  readonly settings: NonNullable<Workload['settings']>;
  readonly local: Readonly<Record<string, LocalSetting>>;
  /** Whose events it takes, and that it calls. */
  readonly source: Node | undefined;
}

/** The primitives with their sources, sorted by id. */
export function graphOf(all: readonly Composed[]): readonly Node[] {
  const nodes = new Map(
    all
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map((one) => {
        const { kind, manifest, component } = one;
        const {
          run,
          processes = { serve: { ports: { http: run?.port ?? 8080 } } },
          settings = {},
        } = {
          ...kind,
          ...manifest.workload,
        };
        const service = `${component.kind}-${component.name}`;
        const node = { ...one, service, processes, settings, local: kind.local ?? {}, source: undefined };
        return [one.id, node as { -readonly [Key in keyof Node]: Node[Key] }] as const;
      }),
  );
  for (const node of nodes.values()) {
    const source = nodes.get(node.manifest.provenance?.inputs.source ?? '');
    if (source !== node) node.source = source;
  }
  return [...nodes.values()];
}

/** The primitives that a setting of `node` has addresses of, sorted by id. */
export function targetsOf(node: Node, setting: LocalSetting, nodes: readonly Node[]): readonly Node[] {
  if (!('url' in setting)) return [];
  if (setting.url === 'consumers') return consumersOf(node, nodes);
  if (node.source === undefined) return [];
  if (setting.url === 'source') return [node.source];
  const sibling = nodes.find(
    (other) => other !== node && other.source === node.source && other.kind.kind === setting.kind,
  );
  return sibling === undefined ? [] : [sibling];
}

/** The primitives that take events of `node`, sorted by id. */
export function consumersOf(node: Node, nodes: readonly Node[]): readonly Node[] {
  return nodes.filter((other) => other.source === node && isConsumer(other));
}

/** The processes whose settings a condition holds for. */
export function processesWith(
  { settings, processes }: Node,
  holds: (setting: string) => boolean,
): readonly string[] {
  const names = Object.entries(settings).filter(([name]) => holds(name));
  return Object.keys(processes).filter((process) =>
    names.some(([, { of }]) => of === undefined || of.includes(process)),
  );
}

/** Whether a primitive takes events: its kind has to, or its `primitive.yaml` maps some to messages. */
export function isConsumer({ kind, manifest }: Composed): boolean {
  return takesEvents(kind) || Object.keys(manifest.bpmn?.events ?? {}).length > 0;
}

/** `http://domain-orders:8080/v1/orders` */
export function addressOf({ service, processes, manifest, component }: Node, path = ''): string {
  const { entity = entityOf(component.name) } = manifest.provenance?.inputs ?? {};
  const port = processes.serve?.ports?.http ?? 8080;
  return `http://${service}:${port}${path.replaceAll('{entities}', entityNames(entity).plural.kebab)}`;
}
