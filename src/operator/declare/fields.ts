import Type from 'typebox'
import type { Fault } from './fault.ts'
import { only } from './kubernetes.ts'
import { SecretReference } from './secret-reference.ts'

/**
 * Fields that several kinds share. The patterns work in JavaScript and in RE2 (Kubernetes). A `patternErrorMessage` goes on
 * from the value that does not match; editors show it, too.
 */

const noControlCharacters = String.raw`^[^\x00-\x1f\x7f-\x9f]+$`

const objectName = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'

/** A name that other declarations refer to, by Kubernetes' rule for the names of objects. */
export const ObjectName = (description: string) =>
  Type.String({
    maxLength: 253,
    pattern: `^${objectName}$`,
    patternErrorMessage:
      'is not a name: lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit',
    description,
  })

/** The name of a declared volume, or of one instance of it: `data`, `data[0]`. */
export const VolumeName = (description: string) =>
  Type.String({
    maxLength: 259,
    pattern: `^${objectName}(\\[[0-9]+\\])?$`,
    patternErrorMessage:
      'is not the name of a volume: lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit, followed by [0] and so on for a volume of perAlloc',
    description,
  })

/** An ID or name that is passed on unchanged. */
export const Identifier = (description: string, maxLength = 1024) =>
  Type.String({
    maxLength,
    pattern: noControlCharacters,
    patternErrorMessage: 'contains a control character: remove it',
    description,
  })

/** Nomad's own rule (nomad/structs: validNamespaceName). */
export const NomadNamespace = Type.String({
  maxLength: 128,
  pattern: '^[A-Za-z0-9-]+$',
  patternErrorMessage: 'is not a Nomad namespace: letters, digits and "-"',
  description:
    'Nomad namespace. Not given: in files "default", for objects the one that their Kubernetes namespace is mapped to, which is that of the same name where nothing else is set.',
})

/** The Nomad cluster of an object. Files are for the cluster of the NOMAD_* settings. */
export const ClusterName = Type.String({
  ...ObjectName(
    "Name of the NomadCluster that this is for. Not given: the Nomad that the operator's own NOMAD_* settings name. For objects of Kubernetes only.",
  ),
  ...only('object'),
})

/** The limit of CSI, in bytes. A schema can only count characters. */
const longestNameBytes = 128

export const CSIName = (description: string) => Identifier(description, longestNameBytes)

export function findLongName(name = ''): Fault[] {
  const bytes = Buffer.byteLength(name)
  const message = `has ${bytes} bytes in UTF-8, but CSI allows at most ${longestNameBytes}: shorten it`
  return bytes > longestNameBytes ? [{ path: ['spec', 'name'], message }] : []
}

const key = Type.String({ pattern: noControlCharacters })
const keyRule = {
  additionalProperties: false,
  patternErrorMessage: 'is not a usable key: at least one character, and no control characters',
}

/** CSI allows 4 KiB for a whole map (size limits), so these limits are never reached first. */
const longestValue = 4096
const mostEntries = 256

export const StringMap = (description: string) =>
  Type.Record(key, Type.String({ maxLength: longestValue }), {
    ...keyRule,
    maxProperties: mostEntries,
    description,
  })

export const Secrets = Type.Record(key, SecretReference, {
  ...keyRule,
  maxProperties: mostEntries,
  description:
    "Secrets that the plugin asks for, by the plugin's own key, each a reference to where its value is. Not given: the secrets that Nomad holds are left as they are; {} says that there are none.",
})

/** The secrets of a spec after reading. */
export interface WithSecrets {
  readonly secrets?: Readonly<Record<string, SecretReference>>
}

export const Parameters = (what: string) =>
  StringMap(
    `Parameters for ${what}, as the plugin's own documentation names them. Values are strings: put numbers and true or false in quotes.`,
  )

export const Suspend = Type.Boolean({
  default: false,
  description: 'true: Mooring observes and reports but changes nothing, until it is false again.',
})

/** Fills the fields that were left out with the defaults of the schema. It does not look into nested objects. */
export function fillDefaults<Written extends object, Defaulted extends keyof Written>(
  schema: Type.TObject,
  written: Written,
): Written & Required<Pick<Written, Defaulted>> {
  const defaults = Object.entries(schema.properties).flatMap(([name, field]) =>
    'default' in field && !(name in written) ? [[name, field.default]] : [],
  )
  // The schema says which fields have defaults; the caller repeats it as a type.
  return { ...written, ...Object.fromEntries(defaults) } as Written & Required<Pick<Written, Defaulted>>
}

/** A declaration is never changed once it is read. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T
