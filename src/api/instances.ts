/** How many instances a site may have; apart from schemas, for who must start quickly. */
export const mostInstances = 100
/** None is no number: a site that is stopped is told so, and tells so. */
export const countMeans = `must be 1 to ${mostInstances}; to stop it: croft site stop SITE`
