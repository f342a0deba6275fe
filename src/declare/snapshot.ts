import type { SecretReference } from './secret-reference.ts'

export interface SnapshotSpec {
  readonly namespace: string
  readonly volume: string
  readonly name?: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, SecretReference>>
  readonly deletionPolicy: 'Retain' | 'Delete'
  readonly suspend: boolean
}
