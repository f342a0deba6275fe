import type { Command } from 'commander'
import type { NomadConnection } from '../nomad/connection.ts'
import type { OperatorInfo } from '../operator/admin/admin.ts'
import { kubernetesSourceName } from '../operator/kubernetes/object-view.ts'

/** Fills in flags that were not given as the operator that runs here has them, so that nobody has to repeat them. */
export function fromOperator<Flags extends NomadConnection & { readonly source?: readonly string[] }>(
  command: Command,
  flags: Flags,
  info: OperatorInfo | undefined,
): Flags {
  if (info === undefined) return flags
  const isGiven = (name: string) => !['default', undefined].includes(command.getOptionValueSource(name))
  // A command reads files. It cannot read objects of Kubernetes.
  const source = info.sources.filter((name) => name !== kubernetesSourceName)
  return {
    ...flags,
    ...(isGiven('source') || source.length === 0 ? {} : { source }),
    ...(isGiven('nomadAddr') ? {} : { nomadAddr: info.nomadAddr }),
    ...(isGiven('nomadRegion') || info.nomadRegion === undefined ? {} : { nomadRegion: info.nomadRegion }),
  }
}
