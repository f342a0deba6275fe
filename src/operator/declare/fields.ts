import Type from 'typebox'
import type { Fault } from './fault.ts'
import { only } from './kubernetes.ts'
import { SecretReference } from './secret-reference.ts'

/**
 * Fields that several kinds share. Patterns keep to what JavaScript and RE2 (Kubernetes) both read;
 * `patternErrorMessage` goes on from the value that does not match, and editors show it too.
 */

const noControlCharacters = String.raw`^[^\x00-\x1f\x7f-\x9f]+$`

const objectName = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'

/** A name that other declarations refer to; Kubernetes' rule for the names of objects. */
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
      'is not the name of a volume: lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit, with [0] and so on for one of perAlloc',
    description,
  })

/** An ID or name that is passed on as it is. */
export const Identifier = (description: string, maxLength = 1024) =>
  Type.String({
    maxLength,
    pattern: noControlCharacters,
    patternErrorMessage: 'holds a control character: remove it',
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

/** Which Nomad an object is for; files are for the one that NOMAD_* settings name. */
export const ClusterName = Type.String({
  ...ObjectName(
    "Name of the NomadCluster that this is for. Not given: the Nomad that the operator's own NOMAD_* settings name. For objects of Kubernetes only.",
  ),
  ...only('object'),
})

/** CSI takes at most this many bytes, where a schema counts characters. */
const longestNameBytes = 128

export const CSIName = (description: string) => Identifier(description, longestNameBytes)

export function findLongName(name = ''): Fault[] {
  const bytes = Buffer.byteLength(name)
  const message = `has ${bytes} bytes in UTF-8: CSI takes at most ${longestNameBytes}`
  return bytes > longestNameBytes ? [{ path: ['spec', 'name'], message }] : []
}

const key = Type.String({ pattern: noControlCharacters })
const keyRule = {
  additionalProperties: false,
  patternErrorMessage: 'is not a usable key: at least one character, and no control characters',
}

/** CSI (spec, size limits) takes maps of 4 KiB in all; so none of the bounds is ever met first. */
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

/** What a spec has in the place of the written secrets. */
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

/** What a declaration holds once it is read: nobody changes it. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T
