import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../../core/schema.ts';
import { KIT_ACTIONS } from './plan.ts';

/** The document of `gitops init`. */
export const kitInitSchema = strictObject({
  schema: Type.Literal('primitive.gitops-init/v1'),
  version: Type.String({ description: 'Of primitive, and so of the kit.' }),
  installed: nullable('The version that was installed before.'),
  files: Type.Array(
    strictObject({
      path: Type.String({ description: 'Relative to the root of the repository.' }),
      action: Type.Enum([...KIT_ACTIONS]),
      lines: Type.Optional(
        Type.Array(Type.Integer(), { description: 'First lines of its conflicts in the file.' }),
      ),
    }),
  ),
  sources: Type.Array(
    strictObject({
      repository: Type.String({ description: 'The code repository.' }),
      change: Type.Enum(['added', 'changed', 'unchanged'], {
        description: 'Change of the source in kit.yaml.',
      }),
      signers: Type.Array(
        strictObject({
          change: Type.Enum(['added', 'removed']),
          tier: Type.Enum(['trusted', 'accepted']),
          signer: Type.String({ description: 'Identity and conditions that the gate compares.' }),
        }),
        { description: 'Who may make what is deployed from now on, and who may not any more.' },
      ),
      settings: Type.Array(Type.String(), { description: 'Other differences: registry: old -> new' }),
    }),
    { description: 'Code repositories that --code names by a folder.' },
  ),
  lanes: Type.Array(
    strictObject({
      name: Type.String(),
      change: Type.Enum(['removed', 'moved', 'renamed'], {
        description:
          'Change of the lane in kit.yaml; renamed: of `argocd` there, and the lane stays in its place.',
      }),
      cluster: Type.String(),
      namespace: Type.String({ description: 'Its workloads keep running.' }),
      applicationSets: Type.Array(Type.String(), {
        description: 'In the cluster until a person deletes them, which ends no workload.',
      }),
    }),
    { description: 'Lanes that the settings no longer have, or have elsewhere.' },
  ),
  next: Type.Array(Type.String(), { description: 'Next steps.' }),
  written: Type.Boolean({ description: 'False for a dry run, or if nothing changes.' }),
});

/** `primitive.gitops-init/v1`. */
export type KitInitDocument = DataOf<typeof kitInitSchema>;
