import type { KubernetesObject, ObjectMetadata } from '../../src/kube/api.ts'
import type { Place } from '../../src/operator/declare/declaration.ts'

/** A Volume object of namespace team-a as the API server has it, with what matters in this test. */
export function volumeObject(
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  metadata: Partial<ObjectMetadata> = {},
): KubernetesObject {
  return {
    apiVersion: 'mooring.dev/v1alpha1',
    kind: 'Volume',
    metadata: {
      name,
      namespace: 'team-a',
      uid: `uid-of-${name}`,
      resourceVersion: '1',
      generation: 1,
      ...metadata,
    },
    spec: {
      pluginID: 'directories',
      capacity: { min: '1Gi' },
      capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
      ...spec,
    },
  }
}

/** The place of an object's declaration. */
export function objectPlace(file: string, uid: string, generation = 1): Place {
  const namespace = file.slice(file.indexOf(' ') + 1, file.indexOf('/'))
  return {
    source: 'kubernetes',
    file,
    document: 0,
    line: 0,
    column: 0,
    object: { namespace, uid, generation },
  }
}
