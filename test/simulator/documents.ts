/** A declaration as a person of a history writes it. */
export type Document =
  | {
      readonly kind: 'Volume'
      readonly name: string
      readonly policy: Policy
      readonly minBytes: number
      readonly finalSnapshot: boolean
      /** Not given: the declaration does not speak of secrets. */
      readonly secrets?: 'none' | 'token'
      readonly detachesStale: boolean
      readonly isSuspended: boolean
      readonly fromSnapshot?: string
    }
  | {
      readonly kind: 'Snapshot'
      readonly name: string
      readonly volume: string
      readonly policy: 'Retain' | 'Delete'
    }
  | {
      readonly kind: 'SnapshotSchedule'
      readonly name: string
      readonly volume: string
      readonly everyMinutes: number
      readonly keepLast: number
      readonly maxAgeMinutes?: number
    }

export type Policy = 'Retain' | 'Deregister' | 'Delete'

/** The identity of a document: what people and judges call it. */
export function identityOf({ kind, name }: Document): string {
  return `${kind} ${name}`
}

export function writeDocuments(documents: readonly Document[]): string {
  return documents.map(writeDocument).join('---\n')
}

function writeDocument(document: Document): string {
  const { kind, name } = document
  const head = `apiVersion: mooring.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec:\n`
  const lines = (entries: readonly (readonly [string, unknown])[]) =>
    entries
      .flatMap(([field, value]) => (value === undefined ? [] : [`  ${field}: ${JSON.stringify(value)}\n`]))
      .join('')
  switch (document.kind) {
    case 'Volume':
      return (
        head +
        lines([
          ['pluginID', 'directories'],
          ['capabilities', [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }]],
          ['capacity', { min: String(document.minBytes) }],
          ['deletionPolicy', document.policy],
          ['finalSnapshot', document.finalSnapshot || undefined],
          ['secrets', secretsOf(document.secrets)],
          ['detach', document.detachesStale ? { policy: 'Stale' } : undefined],
          ['suspend', document.isSuspended || undefined],
          ['source', document.fromSnapshot && { snapshot: document.fromSnapshot }],
        ])
      )
    case 'Snapshot':
      return (
        head +
        lines([
          ['volume', document.volume],
          ['deletionPolicy', document.policy],
        ])
      )
    case 'SnapshotSchedule':
      return (
        head +
        lines([
          ['schedule', `*/${document.everyMinutes} * * * *`],
          ['volumes', { names: [document.volume] }],
          [
            'retention',
            {
              keepLast: document.keepLast,
              ...(document.maxAgeMinutes === undefined ? {} : { maxAge: `${document.maxAgeMinutes}m` }),
            },
          ],
        ])
      )
  }
}

function secretsOf(secrets: 'none' | 'token' | undefined): unknown {
  if (secrets === undefined) return undefined
  return secrets === 'none' ? {} : { token: { fromEnv: 'MOORING_SECRET_TOKEN' } }
}

/** What can become of a file that nobody meant to remove. */
export const damages = {
  emptied: () => '',
  'made white': () => '\n\n  \n',
  'commented out': (text: string) => text.replace(/^/gm, '# '),
  'left without its first line': (text: string) => text.slice(text.indexOf('\n') + 1),
  'given another kind by a slip': (text: string) => text.replace('kind: ', 'kind: X'),
  'given another API by a slip': (text: string) => text.replaceAll('mooring.dev/', 'example.com/'),
  'left with conflict markers': (text: string) => `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> other\n`,
  'encrypted as a whole': () => '{"data":"ENC[AES256_GCM,data:1a2b]","sops":{"version":"3.9.0"}}\n',
  'cut off in the middle': (text: string) => text.slice(0, Math.floor(text.length / 2)),
  'replaced by a pointer to large files': () =>
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132\n',
} as const
export type Damage = keyof typeof damages
