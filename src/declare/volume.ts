import type { SecretReference } from './secret-reference.ts'

// Replaced by types derived from the TypeBox schema; the shape is the contract between the rooms.
export interface VolumeSpec {
  readonly volumeID: string
  readonly namespace: string
  readonly name?: string
  readonly pluginID: string
  readonly externalID?: string
  readonly source?: {
    readonly snapshot?: string
    readonly snapshotID?: string
    readonly volume?: string
    readonly cloneID?: string
  }
  readonly capacity?: { readonly min?: bigint; readonly max?: bigint }
  readonly capabilities: readonly { readonly accessMode: string; readonly attachmentMode: string }[]
  readonly mountOptions?: { readonly fsType?: string; readonly mountFlags?: readonly string[] }
  readonly topology?: {
    readonly required?: readonly Readonly<Record<string, string>>[]
    readonly preferred?: readonly Readonly<Record<string, string>>[]
  }
  readonly parameters?: Readonly<Record<string, string>>
  readonly context?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, SecretReference>>
  readonly deletionPolicy: 'Retain' | 'Deregister' | 'Delete'
  readonly suspend: boolean
}
