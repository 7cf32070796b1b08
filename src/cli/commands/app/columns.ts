import type { App } from '../../../api/app.ts'
import type { Column } from '../../answer.ts'

export const appColumns: readonly Column<App>[] = [
  { title: 'NAME', get: (app) => app.name },
  { title: 'SITES', elastic: true, get: (app) => app.sites.join(' ') || null },
  { title: 'GIT', get: (app) => app.git?.url },
  { title: 'REF', get: (app) => app.git?.ref },
  { title: 'BY', wide: true, get: (app) => app.by },
  { title: 'AGE', wide: true, as: 'age', get: (app) => app.created },
]

/** What was made of it, in one line. */
export const appLine = ({ name, git }: App): string =>
  git === null ? `${name} has no repository` : `${name} from ${git.url} ${git.ref}`
