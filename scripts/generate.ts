import { chartCrds, chartMonitoring, chartReadme } from './lib/chart/generate-chart.ts'
import { kubernetesManifests } from './lib/chart/generate-manifests.ts'
import { argocdPatch } from './lib/crds/generate-argocd.ts'
import { crds } from './lib/crds/generate-crds.ts'
import { csiTypes } from './lib/generate-csi-types.ts'
import { jsonSchemas } from './lib/generate-schemas.ts'
import { compareTrees, writeTree } from './lib/generated-tree.ts'

/**
 * Regenerates everything in the repository that is made from something else.
 *   node scripts/generate.ts           writes it
 *   node scripts/generate.ts --check   exits 1, naming the files, where what is there differs
 */
export interface Generator {
  readonly name: string
  /** Directory of the repository that holds this generator's files, and nothing else unless it says so. */
  readonly directory: string
  /** The directory holds files of others too. */
  readonly isPartOfDirectory?: boolean
  /** Every file's content, by its path within `directory`. */
  generate(): Promise<ReadonlyMap<string, string>>
}

const generators: readonly Generator[] = [
  csiTypes,
  jsonSchemas,
  crds,
  argocdPatch,
  chartCrds,
  chartMonitoring,
  chartReadme,
  kubernetesManifests,
]

const check = process.argv.includes('--check')
let isStale = false
for (const generator of generators) {
  const files = await generator.generate()
  const differing = await compareTrees(generator.directory, files, generator)
  if (!check) await writeTree(generator.directory, files, generator)
  if (check && differing.length > 0) {
    isStale = true
    console.error(`${generator.name}: these files are not what is generated; run "npm run generate":`)
    for (const path of differing) console.error(`  ${path}`)
  } else {
    console.log(`${generator.name}: ${files.size} files, ${differing.length} changed`)
  }
}
if (isStale) process.exitCode = 1
