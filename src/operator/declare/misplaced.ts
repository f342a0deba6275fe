import type { Fault } from './fault.ts'
import type { Origin } from './kubernetes.ts'
import type { SecretReference } from './secret-reference.ts'

type Secrets = Readonly<Record<string, SecretReference>>

/** Fields that only files may have, in an object; and the other way round. */
export function findMisplaced(
  written: { readonly cluster?: string; readonly secrets?: Secrets | undefined },
  origin: Origin,
  secretsPath: readonly string[] = ['spec', 'secrets'],
): Fault[] {
  const faults: Fault[] = []
  if (origin === 'file' && written.cluster !== undefined) {
    faults.push({
      path: ['spec', 'cluster'],
      message:
        'is only for objects of Kubernetes: remove it. Files are for the cluster of the NOMAD_* settings',
    })
  }
  for (const [key, reference] of Object.entries(written.secrets ?? {})) {
    const isOfObjects = 'fromSecret' in reference
    if (isOfObjects === (origin === 'object')) continue
    const message = isOfObjects
      ? 'fromSecret is only for objects of Kubernetes: write {fromEnv: MOORING_SECRET_…} or {fromFile: path beneath --secrets-dir}'
      : 'an object may use only Secrets of its own namespace: write {fromSecret: {name: …, key: …}}'
    faults.push({ path: [...secretsPath, key], message })
  }
  return faults
}
