import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatedNote, toYaml } from '../crds/generate-crds.ts'
import type { Generator } from '../generator.ts'
import { kubernetesTools } from '../kubernetes-tools.ts'

const repository = fileURLToPath(new URL('../../..', import.meta.url))

const namespace = 'mooring-system'

/** Where the manifests differ from the chart's defaults. */
const values = [
  'crds.install=false',
  'image.repository=mooring',
  'nomad.existingSecret=mooring-nomad',
  `fullnameOverride=mooring`,
]

/** For `kubectl apply -k`: what the chart makes with its defaults, and the CRDs beside it. */
export const kubernetesManifests: Generator = {
  name: 'manifests for kubectl',
  directory: join(repository, 'manifests/kubernetes'),
  async generate() {
    return new Map([
      ['kustomization.yaml', generatedNote + kustomization()],
      ['namespace.yaml', generatedNote + namespaceManifest()],
      ['operator.yaml', generatedNote + renderOperator()],
    ])
  },
}

function renderOperator(): string {
  const rendered = execFileSync(
    kubernetesTools().helm,
    [
      'template',
      'mooring',
      join(repository, 'charts/mooring'),
      '--namespace',
      namespace,
      ...values.flatMap((value) => ['--set', value]),
    ],
    { encoding: 'utf8' },
  )
  // Nobody's release: no label may say that Helm manages it.
  return rendered
    .split('\n')
    .filter((line) => !/^ *(?:app\.kubernetes\.io\/managed-by|helm\.sh\/chart): |^# Source: /.test(line))
    .join('\n')
}

function kustomization(): string {
  return toYaml({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['../crds', 'namespace.yaml', 'operator.yaml'],
  })
}

function namespaceManifest(): string {
  return toYaml({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    },
  })
}
