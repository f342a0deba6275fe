import Type from 'typebox'
import type { Fault } from './fault.ts'
import { ObjectName } from './fields.ts'
import { type Rule, rules } from './kubernetes.ts'

const labelName = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const labelKey = Type.String({ pattern: `^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${labelName}$` })
const labelKeyRule = {
  additionalProperties: false,
  patternErrorMessage:
    'is not a label key: letters, digits, "-", "_" and ".", at most 63 characters, with an optional prefix such as example.org/',
}

const Metadata = Type.Object(
  {
    name: ObjectName(
      'Name of this declaration, unique for its kind in one Nomad namespace. Other declarations refer to it by this name.',
    ),
    labels: Type.Optional(
      Type.Record(
        labelKey,
        Type.String({
          pattern: `^(${labelName})?$`,
          patternErrorMessage:
            'is not a label value: letters, digits, "-", "_" and ".", at most 63 characters, beginning and ending with a letter or digit',
        }),
        {
          ...labelKeyRule,
          description: 'Labels to select declarations by. Keys with the prefix mooring.dev/ are reserved.',
        },
      ),
    ),
    annotations: Type.Optional(
      Type.Record(labelKey, Type.String(), {
        ...labelKeyRule,
        description:
          'Notes of people and of other tools; Mooring passes over them. Keys with the prefix mooring.dev/ are reserved.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Name and labels of the declaration.' },
)

/** The group and version of every declaration. */
export const apiVersion = 'mooring.dev/v1alpha1'

/**
 * The schema of a whole document, as a person writes it.
 * @param objectRules rules for the whole object in Kubernetes, with its status
 */
export const Document = <Kind extends string, Spec extends Type.TSchema>(
  kind: Kind,
  spec: Spec,
  description: string,
  objectRules: readonly Rule[] = [],
) =>
  Type.Object(
    {
      apiVersion: Type.Literal(apiVersion, { description: 'Version of the declaration format.' }),
      kind: Type.Literal(kind, { description: 'Kind of the declaration.' }),
      metadata: Metadata,
      spec,
    },
    { additionalProperties: false, title: kind, description, ...rules(...objectRules) },
  )

const reservedPrefix = 'mooring.dev/'

/** Labels and annotations with the reserved prefix. This release knows none of them. */
export function findReserved(metadata: Type.Static<typeof Metadata>): Fault[] {
  const fields = ['labels', 'annotations'] as const
  return fields.flatMap((field) =>
    Object.keys(metadata[field] ?? {})
      .filter((key) => key.startsWith(reservedPrefix))
      .map((key) => ({
        path: ['metadata', field, key],
        message: `has the reserved prefix ${reservedPrefix}, but this release knows no such key: remove it`,
      })),
  )
}
