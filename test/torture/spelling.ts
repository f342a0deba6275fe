import { basename, dirname } from 'node:path'

/**
 * Ways to write one path that all mean the same to the kernel. `linked` is a symbolic link to the path's
 * directory.
 */
export function spell(path: string, spelling: number, linked: string): string {
  const [directory, name] = [dirname(path), basename(path)]
  const spellings = [
    path,
    `${path}/`,
    `${directory}//${name}`,
    `${directory}/./${name}/.`,
    `${directory}/../${basename(directory)}/${name}`,
    `/..${path}`,
    `${linked}/${name}`,
    `${linked}/../${basename(directory)}/${name}//`,
  ]
  return spellings[spelling % spellings.length] ?? path
}
