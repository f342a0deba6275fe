import type { Fault } from './fault.ts'
import type { Origin } from './kubernetes.ts'
import type { SecretReference } from './secret-reference.ts'

type Secrets = Readonly<Record<string, SecretReference>>

/** Fields that are right in themselves and may not stand where this declaration was written. */
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
        'names a NomadCluster, which is for objects of Kubernetes only: remove it. Files are for the cluster that the NOMAD_* settings name',
    })
  }
  for (const [key, reference] of Object.entries(written.secrets ?? {})) {
    const isOfObjects = 'fromSecret' in reference
    if (isOfObjects === (origin === 'object')) continue
    const message = isOfObjects
      ? 'fromSecret names a Secret of Kubernetes, which only objects there can: write {fromEnv: MOORING_SECRET_…} or {fromFile: path beneath --secrets-dir}'
      : "an object reaches Secrets of its own namespace only, and nothing of the operator's machine: write {fromSecret: {name: …, key: …}}"
    faults.push({ path: [...secretsPath, key], message })
  }
  return faults
}
