import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateCrds } from '../crds/generate-crds.ts'
import { readTree } from '../generated-tree.ts'
import type { Generator } from '../generator.ts'
import { readDocumentedValues, renderValuesTable } from './values-table.ts'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const chart = join(repository, 'charts/mooring')

/**
 * The CRDs as templates of the chart: files beneath `crds/` are never upgraded by Helm, and their folder
 * cannot be switched off by a value.
 */
export const chartCrds: Generator = {
  name: "the chart's CRDs",
  directory: join(chart, 'templates/crds'),
  async generate() {
    return new Map([...generateCrds()].map(([name, crd]) => [name, toTemplate(crd)]))
  },
}

/** @throws Error where the CRD holds what a template would act on */
export function toTemplate(crd: string): string {
  if (crd.includes('{{')) throw new Error('a CRD that holds {{ cannot be a template as it is')
  const labelled = crd.replace(
    /^metadata:\n {2}name: .*\n/m,
    `$&  labels:
    {{- include "mooring.labels" . | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
`,
  )
  return `{{- if .Values.crds.install }}\n${labelled}{{- end }}\n`
}

/** What Grafana and Prometheus read: a chart carries only files of its own folder. */
export const chartMonitoring: Generator = {
  name: "the chart's dashboards and alert rules",
  directory: join(chart, 'files/monitoring'),
  generate: () => readTree(join(repository, 'manifests/monitoring')),
}

const begin = '<!-- values: made of values.yaml by npm run generate -->\n'
const end = '<!-- end of values -->'

/** The table of values in the chart's README. */
export const chartReadme: Generator = {
  name: "the chart's README",
  directory: chart,
  isPartOfDirectory: true,
  async generate() {
    const [readme, values] = await Promise.all(
      ['README.md', 'values.yaml'].map((name) => readFile(join(chart, name), 'utf8')),
    )
    return new Map([['README.md', replaceTable(readme ?? '', values ?? '')]])
  },
}

function replaceTable(readme: string, values: string): string {
  const [before, rest = ''] = readme.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined)
    throw new Error(`README.md of the chart has no lines "${begin.trim()}" and "${end}"`)
  return `${before}${begin}\n${renderValuesTable(readDocumentedValues(values))}\n\n${end}${after}`
}
