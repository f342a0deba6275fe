export type JsonObject = Record<string, unknown>

export const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const asRecord = (value: unknown): JsonObject => (isRecord(value) ? value : {})

export const asStrings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

/** What a watch or a read hands out; never changed in place. */
export interface StoredObject extends JsonObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: StoredMetadata
}

export interface StoredMetadata extends JsonObject {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged = { ...asRecord(target) }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}
