import type { Declaration } from './declaration.ts'
import { apiVersion } from './document.ts'
import { type KindReading, readKind } from './readers.ts'

/** The part of a Kubernetes object that a person declares. */
export interface DeclaredObject {
  readonly kind: Declaration['kind']
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: unknown
}

/**
 * Reads a Kubernetes object as a declaration. The API server has checked its metadata, so they are not checked again; labels
 * may have the prefix mooring.dev/. Annotations are not part of a declaration.
 * @param namespace the Nomad namespace for an object that names none
 */
export function readObject({ kind, metadata, spec }: DeclaredObject, namespace: string): KindReading {
  const document = { apiVersion, kind, metadata: { name: metadata.name }, spec }
  const reading = readKind(kind, document, namespace, 'object')
  return 'faults' in reading ? reading : { ...reading, labels: metadata.labels ?? {} }
}
