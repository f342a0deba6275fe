import type {
  AppliedObject,
  KubernetesApi,
  KubernetesObject,
  NewObject,
  Resource,
} from '../../src/kube/api.ts'
import { customResourceDefinitions } from '../../src/kube/resources.ts'

/** A kind of the tests' own, with what a structural schema can say. */
export const widgets: Resource = {
  group: 'contract.mooring.dev',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
}

/** A definition of a kind like `widgets`, of another plural where one is given. */
export function widgetDefinition(plural = 'widgets', kind = 'Widget'): NewObject {
  const group = widgets.group
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  }
}

const text = { type: 'string' }

const schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['color'],
      properties: {
        color: { type: 'string', enum: ['red', 'green', 'blue'] },
        size: { type: 'integer', minimum: 1, default: 1 },
        label: { type: 'string', pattern: '^[a-z]*$', maxLength: 10 },
        capacity: {
          'x-kubernetes-int-or-string': true,
          anyOf: [{ type: 'integer' }, { type: 'string' }],
        },
        flags: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
        parts: { type: 'array', items: text },
        options: { type: 'object', additionalProperties: text },
        note: { type: 'string', nullable: true },
      },
    },
    status: {
      type: 'object',
      properties: {
        phase: text,
        observedGeneration: { type: 'integer' },
        conditions: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
          items: {
            type: 'object',
            required: ['type', 'status'],
            properties: { type: text, status: text, reason: text, message: text },
          },
        },
      },
    },
  },
}

export function aWidget(
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {},
): AppliedObject & NewObject & KubernetesObject {
  return {
    apiVersion: 'contract.mooring.dev/v1',
    kind: 'Widget',
    metadata: { ...metadata, name, namespace },
    spec: { color: 'red', ...spec },
  }
}

/** What an applier wants of a widget, and no more. */
export function someWidget(
  namespace: string,
  name: string,
  fields: Readonly<Record<string, unknown>>,
): AppliedObject {
  return { apiVersion: 'contract.mooring.dev/v1', kind: 'Widget', metadata: { name, namespace }, ...fields }
}

/** Defines the kind where it is not, and waits until it is served. */
export async function serveWidgets(
  api: KubernetesApi,
  plural = 'widgets',
  kind = 'Widget',
): Promise<Resource> {
  const name = `${plural}.${widgets.group}`
  if (!(await api.get(customResourceDefinitions, { name }))) {
    await api.create(customResourceDefinitions, widgetDefinition(plural, kind))
  }
  const resource = { ...widgets, plural, kind }
  for (let attempt = 0; ; attempt += 1) {
    try {
      await api.list(resource)
      return resource
    } catch (error) {
      if (attempt > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
