import protobuf from 'protobufjs'
import descriptor from 'protobufjs/google/protobuf/descriptor.json' with { type: 'json' }
import { withPackagedFile } from '../lib/packaged-files.ts'
import { type NamedSecret, redactSecrets, stripped } from '../lib/redact.ts'
import { protoFile } from './contract.ts'

/** Removes secrets from logs and errors, by the csi_secret marks of the CSI contract. */
export interface Redactor {
  /**
   * A copy of a message without the values of marked fields and mount_flags. The keys of a map stay: they are names.
   * @param messageName its type in the proto, such as `CreateVolumeRequest`
   */
  message(messageName: string, message: object): Record<string, unknown>
  /** A text from a plugin, without the secrets of the request that it repeats. */
  text(messageName: string, request: object, text: string): string
}

let redactor: Redactor | undefined

/** Reads the marks, once per process. */
export function loadRedactor(): Redactor {
  redactor ??= createRedactor(loadRoot())
  return redactor
}

/** proto-loader drops the options of fields, so protobufjs reads the same file again. */
function loadRoot(): protobuf.Root {
  protobuf.common('descriptor', descriptor.nested.google.nested.protobuf.nested)
  const root = withPackagedFile(protoFile, (path) => protobuf.loadSync(path))
  root.resolveAll()
  return root
}

function createRedactor(root: protobuf.Root): Redactor {
  const typeOf = (messageName: string) => root.lookupType(`csi.v1.${messageName}`)
  return {
    message: (messageName, message) => redact(typeOf(messageName), message),
    text: (messageName, request, text) => redactSecrets(text, secretValues(typeOf(messageName), request)),
  }
}

const isMarked = (field: protobuf.Field): boolean => field.getOption('(csi_secret)') === true

/** The contract does not mark it, but says that it "MAY contain sensitive information" (VolumeCapability.MountVolume). */
const isMountFlags = (field: protobuf.Field): boolean => field.name === 'mountFlags'

const isSecret = (field: protobuf.Field): boolean => isMarked(field) || isMountFlags(field)

function redact(type: protobuf.Type, message: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => {
      const field = type.fields[name]
      if (field === undefined || value === null || value === undefined) return [name, value]
      if (isSecret(field)) return [name, hideValues(value)]
      const { resolvedType } = field
      if (!(resolvedType instanceof protobuf.Type)) return [name, value]
      if (field instanceof protobuf.MapField)
        return [name, mapValues(value, (item) => redact(resolvedType, item))]
      if (Array.isArray(value)) return [name, value.map((item: object) => redact(resolvedType, item))]
      return [name, redact(resolvedType, value)]
    }),
  )
}

function hideValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => stripped)
  return typeof value === 'object' && value !== null ? mapValues(value, () => stripped) : stripped
}

function mapValues(map: object, change: (value: object) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]))
}

function* secretValues(type: protobuf.Type, message: object): Generator<NamedSecret> {
  for (const [name, value] of Object.entries(message)) {
    const field = type.fields[name]
    if (field === undefined) continue
    if (isMarked(field)) yield* nonEmptyTexts(value)
    else if (isMountFlags(field)) yield* flagsWithValue(value)
    else if (field.resolvedType instanceof protobuf.Type && typeof value === 'object' && value !== null) {
      const isSeveral = Array.isArray(value) || field instanceof protobuf.MapField
      for (const item of isSeveral ? Object.values(value) : [value])
        yield* secretValues(field.resolvedType, item)
    }
  }
}

function* nonEmptyTexts(value: unknown, name = ''): Generator<NamedSecret> {
  if (typeof value === 'string' && value !== '') yield [name, value]
  else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value))
      yield* nonEmptyTexts(item, Array.isArray(value) ? '' : name)
  }
}

/** Flags with a value can hold a password. Flags such as `ro` occur in any text. */
function* flagsWithValue(flags: unknown): Generator<NamedSecret> {
  for (const flag of nonEmptyTexts(flags)) if (flag[1].includes('=')) yield flag
}
