/** From the document's root: names of fields, and positions in lists counted from 0. */
export type FieldPath = readonly (string | number)[]

/** Something wrong with one field of a document; its place in the file is added by whoever read the file. */
export interface Fault {
  readonly path: FieldPath
  /** What is wrong and what to do about it. Never holds a secret's value. */
  readonly message: string
}

/** `spec.capabilities[0].accessMode`, `metadata.labels["example.org/tier"]`. */
export function formatFieldPath(path: FieldPath): string {
  return path
    .map((part, position) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[\w-]{1,80}$/.test(part)) return `[${JSON.stringify(part.slice(0, 80))}]`
      return position === 0 ? part : `.${part}`
    })
    .join('')
}
