import { InvalidArgumentError, Option } from 'commander'
import { type NamespaceMapping, parseNamespaceMapping } from '../operator/declare/namespace-mapping.ts'
import { collectOption } from './options.ts'

export function kubernetesOptions(): Option[] {
  return [
    new Option(
      '--kubernetes',
      'read declarations from custom resources, and keep the inventory in objects beside them',
    )
      .default(false)
      .env('MOORING_KUBERNETES'),
    new Option(
      '--kubeconfig <file>',
      'file that says how to reach the API server (default: in a pod, its service account)',
    ).env('MOORING_KUBECONFIG'),
    new Option(
      '--kubernetes-namespace <name>',
      'read objects of this namespace only; may be given more than once (default: all)',
    )
      .argParser(collectOption)
      .env('MOORING_KUBERNETES_NAMESPACE'),
    new Option(
      '--kubernetes-operator-namespace <name>',
      "namespace of the operator's own objects: inventory, Lease and the Secrets of NomadClusters (default: the one that it runs in)",
    ).env('POD_NAMESPACE'),
    new Option(
      '--namespace-mapping <kubernetes=nomad,…>',
      'Nomad namespaces that objects of a Kubernetes namespace may declare into. The first is the default. "*" on the left stands for every other namespace, on the right for any; may be given more than once (default: the one of the same name)',
    )
      .argParser(collectMappings)
      .env('MOORING_NAMESPACE_MAPPING'),
  ]
}

function collectMappings(text: string, before: NamespaceMapping = new Map()): NamespaceMapping {
  const mappings = collectOption(text).map((line): [string, readonly string[]] => {
    const parsed = parseNamespaceMapping(line)
    if (parsed === undefined) throw new InvalidArgumentError('write team-a=apps,batch, or *=default.')
    return [parsed.kubernetes, parsed.nomad]
  })
  return new Map([...before, ...mappings])
}
