/*
 * NAME
 *	destination - parts of posthorn destination
 */
#ifndef COMMON_ADMIN_DESTINATION_H
#define COMMON_ADMIN_DESTINATION_H

int destination_test(int argc, char **argv);
int destination_way(int argc, char **argv);

#endif
