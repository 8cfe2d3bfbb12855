/* What every role does at its start. See role.h. */
#include "common/keeper/role.h"
